// Lives a small trading day at an exchange with the ccxt client of that exchange:
// balance, order, open orders, cancel. It reads one JSON object from the standard
// input: the fields of an answer of creds/. If that has no secret, it has a member vault,
// with the URL and the token with which Vault signs. It writes one line of JSON for each step
// and never a secret.
import { text } from 'node:stream/consumers';
import { desks } from './desks.mjs';
import { signWith, withDummies } from './vault.mjs';

const given = JSON.parse(await text(process.stdin));
const creds = given.vault ? withDummies(given) : given;
const desk = desks[creds.exchange];
if (desk === undefined) {
  throw new Error(`There is no desk for ${creds.exchange}. Add one to desks.mjs.`);
}
const { client, market } = await desk(creds);

// redirect points all addresses of a client at one host.
function redirect(addresses, base) {
  if (typeof addresses === 'string') {
    return addresses.replace(/^(https?:\/\/)?[^/]+/, base);
  }
  return Object.fromEntries(Object.entries(addresses).map(([name, address]) => [name, redirect(address, base)]));
}
const { host } = new URL(creds.base_url);
client.urls.api = redirect(client.urls.api, creds.base_url);
if (client.urls.hostnames) {
  client.urls.hostnames = redirect(client.urls.hostnames, host);
}
client.hostname = host;
client.enableRateLimit = false; // The simulator has limits of its own.
client.timeout = 20_000;
client.setMarkets([market]); // as if it had loaded them

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
    console.log(JSON.stringify({ step: name, result: await act() }));
  } catch (failure) {
    console.log(JSON.stringify({ step: name, error: failure.name, message: hidden(String(failure.message)).slice(0, 500) }));
  }
}

if (given.vault) {
  signWith(client, given.vault);
}

let placed;
const isListed = async () => (await client.fetchOpenOrders(market.symbol)).some((open) => open.id === placed);
const cancel = async (id) => {
  await client.cancelOrder(id, market.symbol);
  return true;
};

await step('balance', async () => (await client.fetchBalance()).free[market.quote] > 0);
await step('order', async () => {
  placed = (await client.createOrder(market.symbol, 'limit', 'buy', 0.01, 20000)).id;
  return typeof placed === 'string' && placed !== '';
});
await step('listed', isListed);
await step('cancel', () => cancel(placed));
await step('still listed', isListed);
await step('cancel what is not there', () => cancel(placed));
await client.close?.();
