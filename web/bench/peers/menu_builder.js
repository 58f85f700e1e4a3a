// The dialogue that is measured, on ussd-menu-builder: memory only, replayed from the whole text.
const express = require("express");
const UssdMenu = require("ussd-menu-builder");

// A menu for each request: a shared one loses answers when requests overlap.
function dialogue() {
  const menu = new UssdMenu();
  menu.startState({
    run: () => menu.con("Karibu! Book and pay by M-Pesa.\n1. Halls\n2. Catering\n3. Rooms"),
    next: { 1: "place" },
  });
  menu.state("place", {
    run: () => menu.con("Where?\n1. Nairobi\n2. Mombasa\n3. Kisumu\n4. Nakuru\n5. Eldoret"),
    next: { "*[1-5]": "day" },
  });
  menu.state("day", {
    run: () => menu.con("Which day? Type 2512"),
    next: { "*\\d{4}": "done" },
  });
  menu.state("done", { run: () => menu.end(`Noted for ${menu.val}.`) });
  return menu;
}

const app = express();
app.use(express.urlencoded({ extended: false }));
app.post("/ussd", (request, response) => {
  dialogue().run(request.body, (text) => response.send(text));
});
app.listen(Number(process.env.PORT), "127.0.0.1");
