// The dialogue that is measured, on ussd-state-builder with its Redis storage.
const express = require("express");
const { RedisStorage } = require("ussd-state-builder");
const { createApp } = require("ussd-state-builder/sdk");

const machine = createApp()
  .state("welcome", (state) =>
    state
      .message("Karibu! Book and pay by M-Pesa.\n1. Halls\n2. Catering\n3. Rooms")
      .on("1")
      .goto("place"),
  )
  .state("place", (state) =>
    state
      .message("Where?\n1. Nairobi\n2. Mombasa\n3. Kisumu\n4. Nakuru\n5. Eldoret")
      .save("town")
      .next("day"),
  )
  .state("day", (state) =>
    state.message("Which day? Type 2512").save("day").next("done"),
  )
  .state("done", (state) =>
    state
      .run(async (_input, _session, { sessionData }) => `Noted for ${sessionData.day}.`)
      .end(),
  )
  .start("welcome")
  .storage(new RedisStorage({ url: process.env.REDIS_URL, keyPrefix: "peer:" }))
  .logger(null)
  .build();

const app = express();
app.use(express.urlencoded({ extended: false }));
app.post("/ussd", async (request, response) => {
  // It takes one input a turn; the gateway repeats all of them.
  const { sessionId, text } = request.body;
  response.send(await machine.processInput(sessionId, text.split("*").pop()));
});
app.listen(Number(process.env.PORT), "127.0.0.1");
