// Lives a small trading day at an exchange: balance, order, open orders, cancel. Its
// argument is the module of the client, such as ccxt.mjs, sdks.mjs or vault.mjs. It reads one JSON object
// from the standard input: the fields of an answer of creds/. It writes one line of
// JSON for each step and never a secret.
import { text } from 'node:stream/consumers';
import { isOrder, stepper } from './steps.mjs';

const creds = JSON.parse(await text(process.stdin));
const { open } = await import(`./${process.argv[2]}`);
const desk = await open(creds);
const step = stepper(creds);

let placed;
const isListed = async () => (await desk.openOrders()).includes(placed);
const cancel = async (id) => {
  await desk.cancel(id);
  return true;
};

await step('balance', async () => (await desk.balance()) > 0);
await step('order', async () => {
  placed = await desk.buy(0.01, 20000);
  return isOrder(placed);
});
await step('listed', isListed);
await step('cancel', () => cancel(placed));
await step('still listed', isListed);
await step('cancel what is not there', () => cancel(placed));
await desk.close?.();
