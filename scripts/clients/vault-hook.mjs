// Trades with an SDK that makes up itself what is signed, and has a function of its
// user's sign that, with a key whose secret stays in Vault: for OKX, that of Siebly.
import { ask } from './sign.mjs';

// open opens a desk.
export async function open({ base_url: baseUrl, vault }) {
  const { RestClient } = await import('okx-api');
  const desk = connect((key) => new RestClient({ baseUrl, ...key }), { ...vault, url: `${vault.url}/raw` });
  const instId = 'BTC-USDT';
  return {
    balance: () => desk(async (okx) => Number((await okx.getBalance({ ccy: 'USDT' }))[0].details[0].availBal)),
    buy: (sz, px) => desk(async (okx) => (await okx.submitOrder(
      { instId, tdMode: 'cash', side: 'buy', ordType: 'limit', sz: String(sz), px: String(px) },
    ))[0].ordId),
    openOrders: () => desk(async (okx) => (await okx.getOrderList({ instType: 'SPOT', instId })).map((order) => order.ordId)),
    cancel: (ordId) => desk((okx) => okx.cancelOrder({ instId, ordId })),
  };
}

class KeyReplaced extends Error {}

// connect returns a function that has the SDK's client used. Make makes the client of a key;
// once Vault signs with another one, nothing is sent, and the client is made and used anew.
function connect(make, vault) {
  let client;
  const renew = async () => {
    const { api_key: apiKey, passphrase: apiPass } = await ask(vault, { input: 'which key is it?' });
    const customSignMessageFn = async (input) => {
      const { api_key: present, signature } = await ask(vault, { input });
      if (present !== apiKey) {
        throw new KeyReplaced();
      }
      return signature;
    };
    return make({ apiKey, apiPass, apiSecret: 'dummy', customSignMessageFn });
  };
  return async (use) => {
    for (;;) {
      client ??= await renew();
      try {
        return await use(client);
      } catch (failure) {
        if (!(failure instanceof KeyReplaced)) {
          throw failure;
        }
        client = undefined;
      }
    }
  };
}
