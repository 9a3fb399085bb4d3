// Trades with ccxt and with a key whose secret stays in Vault, which signs every request:
// what the client has signed with a dummy is replaced. Besides the answer of creds/ it
// takes a member vault, with the URL at which Vault signs and the token of the requester.
import { open as openCCXT } from './ccxt.mjs';

// dummies are secrets of no key. Some clients want them in a certain form.
const dummies = {
  hyperliquid: { privateKey: `0x${'11'.repeat(32)}` },
  orderly: { secret: 'ed25519:3m364CERSsVJFECYVojZXgY9Dqtou6KZYWq3ed4wx1QH' },
};

// open opens a desk.
export async function open(creds) {
  const config = { ...JSON.parse(creds.client_config), secret: 'dummy', password: 'dummy', ...dummies[creds.exchange] };
  return openCCXT({ ...creds, client_config: JSON.stringify(config) }, (client) => signWith(client, creds.vault));
}

// signWith sends each request of the client to Vault first: to the path at which the key
// signs, with the token of whoever leased it.
function signWith(client, { url, token }) {
  const send = client.fetch.bind(client);
  client.fetch = async (target, method = 'GET', headers = undefined, body = undefined) => {
    const { pathname, search } = new URL(target);
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'X-Vault-Token': token, 'Content-Type': 'application/json' },
      body: JSON.stringify({ method, path: pathname, query: search.slice(1), body: body || '' }),
    });
    const { data, errors } = await answer.json();
    if (!answer.ok) {
      throw new Error(`Vault does not sign ${method} ${pathname}: ${errors}`);
    }
    return send(data.url, data.method, data.headers, data.body || undefined);
  };
}
