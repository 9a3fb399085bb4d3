// Trades with ccxt and with a key whose secret stays in Vault, which signs every request:
// what the client has signed with a dummy is replaced. Besides the answer of creds/ it
// takes a member vault, with the URL at which Vault signs and the token of the requester.
// The key of a static role is in no such answer: there exchange and base_url are all.
import { open as openCCXT } from './ccxt.mjs';
import { signer } from './sign.mjs';

// dummies are secrets of no key. Some clients want them in a certain form.
const dummies = {
  hyperliquid: { privateKey: `0x${'11'.repeat(32)}` },
  orderly: { secret: 'ed25519:3m364CERSsVJFECYVojZXgY9Dqtou6KZYWq3ed4wx1QH' },
};

// open opens a desk.
export async function open(creds) {
  const given = creds.client_config ? JSON.parse(creds.client_config) : { id: creds.exchange, apiKey: 'dummy' };
  const config = { ...given, secret: 'dummy', password: 'dummy', ...dummies[creds.exchange] };
  return openCCXT({ ...creds, client_config: JSON.stringify(config) }, (client) => signWith(client, creds.vault));
}

// signWith sends each request of the client to Vault first.
function signWith(client, vault) {
  const sign = signer(vault);
  const send = client.fetch.bind(client);
  client.fetch = async (target, method = 'GET', headers = undefined, body = undefined) => {
    const signed = await sign(method, target, body);
    return send(signed.url, signed.method, signed.headers, signed.body || undefined);
  };
}
