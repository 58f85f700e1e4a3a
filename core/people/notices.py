"""Notices that are owed to the people behind a vendor; the words are made elsewhere."""

from enum import StrEnum


class VendorTopic(StrEnum):
    """What has happened."""

    JOINED = "vendor_joined"
    PAPERS = "vendor_papers"
    PHOTOS = "listing_photos"
    PHOTO_TAKEN_DOWN = "photo_taken_down"
    VERIFIED = "vendor_verified"
    PIN_CHOSEN = "vendor_pin_chosen"
    PIN_LOCKED = "vendor_pin_locked"
    PIN_RESET = "vendor_pin_reset"
    STAFF_ADDED = "staff_added"
    STAFF_REMOVED = "staff_removed"
    STAFF_OWNER = "staff_owner"
    """To the owner, when somebody was added."""
