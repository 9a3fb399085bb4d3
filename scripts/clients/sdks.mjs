// Trades with the SDKs that exchanges publish themselves. They read the answers into
// types of their own, so they notice what ccxt overlooks.

// required is the value, which the exchange must have answered.
function required(value, name) {
  if (value === undefined || value === null) {
    throw new Error(`The SDK found no ${name} in the answer.`);
  }
  return value;
}

// What a day needs of each SDK.
const desks = {
  binance: async (creds) => {
    const { Spot } = await import('@binance/spot');
    const { restAPI } = new Spot({ configurationRestAPI: {
      apiKey: creds.api_key, apiSecret: creds.api_secret || undefined, privateKey: creds.private_key || undefined, basePath: creds.base_url, retries: 0, timeout: 20_000,
    } });
    const symbol = 'BTCUSDT';
    const id = (order) => String(required(order.orderId, 'orderId'));
    const call = async (method, request) => (await restAPI[method](request)).data();
    return {
      balance: async () => Number((await call('getAccount')).balances.find(({ asset }) => asset === 'USDT').free),
      buy: async (quantity, price) => id(await call('newOrder', { symbol, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity, price })),
      openOrders: async () => (await call('getOpenOrders', { symbol })).map(id),
      cancel: (orderId) => call('deleteOrder', { symbol, orderId }),
    };
  },

  gate: async (creds, wrap) => {
    const { default: { ApiClient, SpotApi } } = await import('gate-api');
    const { default: axios } = await import('axios');
    const http = axios.create();
    wrap(http);
    const client = new ApiClient(`${creds.base_url}/api/v4`, http);
    client.setApiKeySecret(creds.api_key, creds.api_secret);
    const spot = new SpotApi(client);
    const market = 'BTC_USDT';
    const id = (order) => required(order.id, 'id');
    return {
      balance: async () => Number((await spot.listSpotAccounts({})).body.find(({ currency }) => currency === 'USDT').available),
      buy: async (amount, price) => id((await spot.createOrder(
        { currencyPair: market, type: 'limit', account: 'spot', side: 'buy', amount: String(amount), price: String(price), timeInForce: 'gtc' }, {},
      )).body),
      openOrders: async () => (await spot.listOrders(market, 'open', {})).body.map(id),
      cancel: (orderId) => spot.cancelOrder(orderId, market, {}),
    };
  },

  kucoin: async (creds) => {
    const sdk = (await import('kucoin-universal-sdk')).default;
    const transport = new sdk.TransportOptionBuilder().setMaxRetries(0).setTimeout(20_000).setKeepAlive(false).build();
    const service = new sdk.DefaultClient(new sdk.ClientOptionBuilder()
      .setKey(creds.api_key).setSecret(creds.api_secret).setPassphrase(creds.passphrase)
      .setSpotEndpoint(creds.base_url).setFuturesEndpoint(creds.base_url).setBrokerEndpoint(creds.base_url)
      .setTransportOption(transport).build()).restService();
    const orders = service.getSpotService().getOrderApi();
    const accounts = service.getAccountService().getAccountApi();
    const { Order } = sdk.Spot;
    const symbol = 'BTC-USDT';
    return {
      balance: async () => Number((await accounts.getSpotAccountList(sdk.Account.Account.GetSpotAccountListReq.create({ currency: 'USDT', type: 'trade' }))).data[0].available),
      buy: async (size, price) => (await orders.addOrder(Order.AddOrderReq.create({
        symbol, side: Order.AddOrderReq.SideEnum.BUY, type: Order.AddOrderReq.TypeEnum.LIMIT, size: String(size), price: String(price), clientOid: crypto.randomUUID(),
      }))).orderId,
      openOrders: async () => (await orders.getOpenOrders(Order.GetOpenOrdersReq.create({ symbol }))).data.map((order) => order.id),
      cancel: (orderId) => orders.cancelOrderByOrderId(Order.CancelOrderByOrderIdReq.create({ orderId, symbol })),
    };
  },
};

// open opens a desk. Wrap, if given, changes the HTTP client of an SDK that takes one.
export async function open(creds, wrap = () => {}) {
  const at = desks[creds.exchange];
  if (at === undefined) {
    throw new Error(`There is no desk for ${creds.exchange}. Add one to sdks.mjs.`);
  }
  return at(creds, wrap);
}
