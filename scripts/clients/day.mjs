// Lives a small trading day at an exchange: balance, order, open orders, cancel. Its
// argument is the module of the client: ccxt.mjs, sdks.mjs or vault.mjs. It reads one JSON object
// from the standard input: the fields of an answer of creds/. It writes one line of
// JSON for each step and never a secret.
import { text } from 'node:stream/consumers';

// Some clients log to the standard output, which is for the steps.
console.info = console.debug = console.log = console.error;
const report = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const creds = JSON.parse(await text(process.stdin));
const { open } = await import(`./${process.argv[2]}`);
const desk = await open(creds);

// hidden is a text without any part of the credential.
function hidden(message) {
  for (const part of ['api_secret', 'passphrase', 'private_key', 'token']) {
    if (creds[part]) {
      message = message.replaceAll(creds[part], '(hidden)').replaceAll(encodeURIComponent(creds[part]), '(hidden)');
    }
  }
  return message;
}

// step does one step and reports it. Its name says what should be the case.
async function step(name, act) {
  try {
    report({ step: name, result: await act() });
  } catch (failure) {
    const answer = failure.response?.data ? ` ${JSON.stringify(failure.response.data)}` : '';
    report({ step: name, error: failure.constructor.name, message: hidden(failure.message + answer).slice(0, 500) });
  }
}

let placed;
const isListed = async () => (await desk.openOrders()).includes(placed);
const cancel = async (id) => {
  await desk.cancel(id);
  return true;
};

await step('balance', async () => (await desk.balance()) > 0);
await step('order', async () => {
  placed = await desk.buy(0.01, 20000);
  return typeof placed === 'string' && placed !== '';
});
await step('listed', isListed);
await step('cancel', () => cancel(placed));
await step('still listed', isListed);
await step('cancel what is not there', () => cancel(placed));
await desk.close?.();
