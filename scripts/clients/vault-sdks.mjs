// Trades with the SDK that an exchange publishes itself, where that takes its HTTP client
// from its user, and with a key whose secret stays in Vault, as vault.mjs does with ccxt.
import { open as openSDK } from './sdks.mjs';
import { signer } from './sign.mjs';

// open opens a desk.
export async function open(creds) {
  return openSDK({ ...creds, api_key: 'dummy', api_secret: 'dummy' }, (http) => signWith(http, creds.vault));
}

// signWith sends each request of an axios instance to Vault first.
function signWith(http, vault) {
  const sign = signer(vault);
  http.interceptors.request.use(async (request) => {
    const body = request.transformRequest[0](request.data, request.headers); // as the SDK will write it
    const signed = await sign(request.method.toUpperCase(), http.getUri(request), body);
    request.headers.set(signed.headers);
    return Object.assign(request, { url: signed.url, params: {}, data: signed.body || undefined });
  });
}
