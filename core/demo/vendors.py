"""Who sells in the demo market, as data. Every name is invented."""

from typing import NamedTuple

from core.catalog.rules import Category


class VendorRow(NamedTuple):
    """One vendor.

    Attributes:
        stem: what all titles of this vendor begin with.
        level: 1 simple, 2 middle, 3 fine; decides where in a price range they stand.
        places: town and area slugs, the area empty when the town has none; listings take turns.
    """

    stem: str
    business: str
    owner: str
    category: Category
    level: int
    places: tuple[tuple[str, str], ...]


V, C, S = Category.VENUE, Category.CATERING, Category.STAY

# The first four are printed in the README: their phone numbers end in 11, 12, 13 and 14.
VENDORS = (
    VendorRow(
        "Jacaranda", "Jacaranda Gardens Ltd", "Wanjiku Kamau", V, 3, (("nairobi", "westlands"),)
    ),
    VendorRow("Baraka", "Baraka Halls", "Otieno Odhiambo", V, 2, (("nairobi", "kilimani"),)),
    VendorRow("Bahari", "Bahari Cottages", "Mwanaisha Juma", S, 2, (("mombasa", "nyali"),)),
    VendorRow(
        "Mama Njeri",
        "Mama Njeri Kitchen",
        "Njeri Kariuki",
        C,
        2,
        (("nairobi", "westlands"), ("nairobi", "kasarani")),
    ),
    VendorRow(
        "Acacia Ridge", "Acacia Ridge Events", "Kiprono Cheruiyot", V, 3, (("nairobi", "karen"),)
    ),
    VendorRow(
        "Mugumo",
        "M\u0169gumo Gardens",
        "M\u0169thoni Gath\u0169ri",
        V,
        2,
        (("nairobi", "runda"), ("kiambu", "")),
    ),
    VendorRow(
        "Uhuru Court",
        "Uhuru Court Conference Centre",
        "Brian Mutua",
        V,
        2,
        (("nairobi", "cbd"), ("nairobi", "upper-hill")),
    ),
    VendorRow(
        "Tumaini",
        "Tumaini Social Hall",
        "Grace Achieng",
        V,
        1,
        (("nairobi", "eastleigh"), ("nairobi", "donholm")),
    ),
    VendorRow(
        "Safina",
        "Safina Grounds",
        "Daniel Musyoka",
        V,
        1,
        (("nairobi", "kasarani"), ("nairobi", "roysambu")),
    ),
    VendorRow(
        "Kifaru",
        "Kifaru Park Venues",
        "Lilian Wambui",
        V,
        2,
        (("nairobi", "langata"), ("nairobi", "karen")),
    ),
    VendorRow(
        "Pwani Breeze",
        "Pwani Breeze Events",
        "Salim Abdalla",
        V,
        3,
        (("mombasa", "nyali"), ("mombasa", "bamburi")),
    ),
    VendorRow(
        "Mnarani", "Mnarani Terraces", "Fatuma Bakari", V, 2, (("kilifi", ""), ("malindi", ""))
    ),
    VendorRow(
        "Lakeside",
        "Lakeside Pavilion",
        "Akinyi Ouma",
        V,
        2,
        (("kisumu", "milimani"), ("kisumu", "dunga")),
    ),
    VendorRow(
        "Nam Lolwe",
        "Nam Lolwe Halls",
        "Ochieng Were",
        V,
        1,
        (("kisumu", "kondele"), ("kisumu", "mamboleo")),
    ),
    VendorRow(
        "Menengai View",
        "Menengai View Gardens",
        "Chebet Langat",
        V,
        2,
        (("nakuru", "milimani"), ("nakuru", "lanet")),
    ),
    VendorRow(
        "Longonot",
        "Longonot Conference Farm",
        "Simon Njoroge",
        V,
        3,
        (("naivasha", "moi-south-lake"),),
    ),
    VendorRow(
        "Sosiani",
        "Sosiani Hall and Gardens",
        "Jepkosgei Rotich",
        V,
        1,
        (("eldoret", "elgon-view"), ("eldoret", "kapsoya")),
    ),
    VendorRow(
        "Iveti", "Iveti Hills Venue", "Mwende Kilonzo", V, 1, (("machakos", ""), ("kitui", ""))
    ),
    VendorRow(
        "Chania",
        "Chania Falls Gardens",
        "Peter Gitau",
        V,
        2,
        (("thika", "section-9"), ("muranga", "")),
    ),
    VendorRow(
        "Kirinyaga", "Kirinyaga Square Hall", "Muthoni Mwangi", V, 1, (("nyeri", ""), ("embu", ""))
    ),
    VendorRow(
        "Mchanga",
        "Mchanga Beach House",
        "Ali Hamisi",
        S,
        3,
        (("diani", "galu"), ("diani", "tiwi")),
    ),
    VendorRow(
        "Sokoni",
        "Sokoni Guest House",
        "Zainab Omar",
        S,
        1,
        (("mombasa", "old-town"), ("mombasa", "tudor")),
    ),
    VendorRow("Taa", "Taa Swahili House", "Athman Lali", S, 2, (("lamu", ""),)),
    VendorRow(
        "Turtle Bay Lane",
        "Turtle Bay Lane Cottages",
        "Kahindi Charo",
        S,
        2,
        (("watamu", ""), ("malindi", "")),
    ),
    VendorRow(
        "Vasco", "Vasco Point Rooms", "Esther Kadzo", S, 1, (("malindi", ""), ("kilifi", ""))
    ),
    VendorRow(
        "Kiboko",
        "Kiboko Lake Camp",
        "James Kimani",
        S,
        2,
        (("naivasha", "kongoni"), ("naivasha", "moi-south-lake")),
    ),
    VendorRow(
        "Flamingo Road",
        "Flamingo Road Inn",
        "Ruth Chepkemoi",
        S,
        1,
        (("nakuru", "section-58"), ("nakuru", "njoro")),
    ),
    VendorRow(
        "Equator Gate", "Equator Gate Lodge", "Mwiti Kirimi", S, 2, (("nanyuki", ""), ("meru", ""))
    ),
    VendorRow("Thomson", "Thomson Falls Rest", "Wangari Ndung'u", S, 1, (("nyahururu", ""),)),
    VendorRow(
        "Chai Hills",
        "Chai Hills Farm Stay",
        "Kipkemoi Bett",
        S,
        2,
        (("kericho", ""), ("kisii", "")),
    ),
    VendorRow(
        "Kakamega Canopy",
        "Canopy Forest Bandas",
        "Shikuku Wafula",
        S,
        1,
        (("kakamega", ""), ("bungoma", "")),
    ),
    VendorRow("Mlima Elgon", "Mlima Elgon Guest Farm", "Nasimiyu Barasa", S, 2, (("kitale", ""),)),
    VendorRow(
        "Dala", "Dala Homes", "Atieno Okoth", S, 2, (("kisumu", "milimani"), ("kisumu", "dunga"))
    ),
    VendorRow(
        "Kahawa Court",
        "Kahawa Court Apartments",
        "Kevin Maina",
        S,
        2,
        (("nairobi", "kilimani"), ("nairobi", "lavington")),
    ),
    VendorRow(
        "Muthaiga Lane",
        "Muthaiga Lane House",
        "Catherine Nyambura",
        S,
        3,
        (("nairobi", "parklands"), ("nairobi", "gigiri")),
    ),
    VendorRow(
        "River Road",
        "River Road Hostel",
        "Hassan Noor",
        S,
        1,
        (("nairobi", "cbd"), ("nairobi", "south-b")),
    ),
    VendorRow(
        "Mara Gate",
        "Mara Gate Stopover",
        "Nashipae Sankale",
        S,
        2,
        (("narok", ""), ("kajiado", "")),
    ),
    VendorRow("Tsavo Rest", "Tsavo Rest Camp", "Mwakio Mwadime", S, 1, (("voi", ""),)),
    VendorRow(
        "Mapishi Bora",
        "Mapishi Bora Caterers",
        "Halima Said",
        C,
        2,
        (("mombasa", "tudor"), ("mombasa", "likoni")),
    ),
    VendorRow(
        "Jikoni",
        "Jikoni Fresh Foods",
        "Faith Wanjiru",
        C,
        1,
        (("nairobi", "embakasi"), ("nairobi", "south-c")),
    ),
    VendorRow(
        "Silver Spoon",
        "Silver Spoon Events",
        "Michael Kibet",
        C,
        3,
        (("nairobi", "lavington"), ("nairobi", "karen")),
    ),
    VendorRow(
        "Choma Kings",
        "Choma Kings",
        "Stephen Ndirangu",
        C,
        2,
        (("nairobi", "ngong-road"), ("nairobi", "langata")),
    ),
    VendorRow(
        "Samaki Point",
        "Samaki Point Kitchen",
        "Beryl Anyango",
        C,
        1,
        (("kisumu", "dunga"), ("busia", "")),
    ),
    VendorRow(
        "Rift Plates",
        "Rift Plates Catering",
        "Sharon Jerotich",
        C,
        2,
        (("nakuru", "milimani"), ("eldoret", "langas")),
    ),
    VendorRow(
        "Kitaru", "Kitaru Outside Catering", "Mercy Wanja", C, 1, (("embu", ""), ("meru", ""))
    ),
    VendorRow("Ukamba Pots", "Ukamba Pots", "Ndinda Muthama", C, 1, (("machakos", ""),)),
    VendorRow(
        "Mkoma", "Mkoma Coast Kitchen", "Rehema Mwinyi", C, 2, (("diani", "galu"), ("kilifi", ""))
    ),
    VendorRow(
        "Blue Post",
        "Blue Post Road Caterers",
        "Joyce Waithera",
        C,
        2,
        (("thika", "makongeni"), ("nyeri", "")),
    ),
    VendorRow(
        "Isiolo Star", "Isiolo Star Foods", "Abdi Guyo", C, 1, (("isiolo", ""), ("garissa", ""))
    ),
)

# Waiting for approval, so that an admin has something to decide.
PENDING = (
    ("Savanna Tents", "Collins Ouko"),
    ("Nyota Cake House", "Winnie Moraa"),
)

# Their phone numbers end in 01, 02, ...; every second one reads Swahili.
CUSTOMERS = ("Amina Yusuf", "John Mwangi", "Mary Atieno", "Ken Kiptoo", "Zawadi Mwikali")
