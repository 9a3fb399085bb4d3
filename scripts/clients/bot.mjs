// Trades at an exchange until its standard input ends or something goes wrong: order, open
// orders, cancel, again and again. Its argument is the module of the client, as day.mjs
// takes it. The first line of its input is one JSON object: exchange, base_url, and as vault where
// Vault signs. It writes one line of JSON for each step.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { isOrder, stepper } from './steps.mjs';

// pace is how long the bot looks at the market before its next trade, in milliseconds.
const pace = 50;

const lines = createInterface({ input: process.stdin });
let over = false;
lines.once('close', () => { over = true; });
const creds = JSON.parse((await once(lines, 'line'))[0]);
const { open } = await import(`./${process.argv[2]}`);
const desk = await open(creds);
const step = stepper(creds);

let placed;
const trade = async () => await step('order', async () => {
  placed = await desk.buy(0.01, 20000);
  return isOrder(placed);
}) && await step('listed', async () => (await desk.openOrders()).includes(placed))
  && step('cancel', async () => {
    await desk.cancel(placed);
    return true;
  });

while (!over && await trade()) {
  await setTimeout(pace);
}
await desk.close?.();
lines.close();
