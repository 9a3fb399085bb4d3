// Has every request of a ccxt client signed by Vault, for a key whose secret the client
// does not have: what the client has signed with a dummy is replaced.

// dummies are secrets of no key, in the form that each client wants.
const dummies = {
  hyperliquid: { private_key: '0x' + '11'.repeat(32) },
  orderly: { private_key: 'ed25519:3m364CERSsVJFECYVojZXgY9Dqtou6KZYWq3ed4wx1QH' },
};

// withDummies is the answer of creds/ with a dummy in the place of each secret.
export function withDummies(creds) {
  return { api_secret: 'dummy', passphrase: 'dummy', ...dummies[creds.exchange], ...creds };
}

// signWith sends each request of the client to Vault first: to the path at which the key
// signs, with the token of whoever leased it.
export function signWith(client, { url, token }) {
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
