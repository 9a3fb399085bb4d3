// Trades with the ccxt client of each exchange. All it takes of an answer of creds/ is
// client_config, for ccxt or freqtrade.

// clientOf makes the client that client_config describes, as a bot does with
// new ccxt[config.id](config). It loads that class only: all of them would take seconds.
export async function clientOf(config) {
  const { default: Client } = await import(`./node_modules/ccxt/js/src/${config.id}.js`);
  return new Client(config);
}

// asCCXT is what freqtrade makes of its configuration for ccxt.
function asCCXT({ exchange: { name, key, secret, password, ccxt_config: more } }) {
  return { id: name, apiKey: key, secret, password, ...more };
}

// spot is a market as ccxt describes it once it has loaded the exchange's own list.
// The exchange calls it id.
function spot(id, more = {}) {
  return {
    id, symbol: 'BTC/USDT', base: 'BTC', quote: 'USDT', baseId: 'BTC', quoteId: 'USDT',
    type: 'spot', spot: true, margin: false, swap: false, future: false, option: false, contract: false, active: true,
    precision: { amount: 1e-6, price: 1e-2 }, limits: { amount: {}, price: {}, cost: {} }, info: {},
    ...more,
  };
}

// perpetual is a market of perpetual futures, likewise.
function perpetual(id, quote, more = {}) {
  return {
    ...spot(id), symbol: `BTC/${quote}:${quote}`, quote, quoteId: quote, settle: quote, settleId: quote,
    type: 'swap', spot: false, swap: true, contract: true, linear: true, inverse: false, contractSize: 1,
    precision: { amount: 1e-5, price: 1 },
    ...more,
  };
}

// What each exchange's desk trades.
const markets = {
  binance: spot('BTCUSDT', { info: { orderTypes: ['LIMIT', 'MARKET'] } }),
  bingx: spot('BTC-USDT'),
  bitget: spot('BTCUSDT'),
  bybit: spot('BTCUSDT'),
  coinex: spot('BTCUSDT'),
  deribit: perpetual('BTC-PERPETUAL', 'USD'),
  gate: spot('BTC_USDT'),
  htx: spot('btcusdt'),
  hyperliquid: perpetual('BTC', 'USDC', { baseId: '0' }),
  kucoin: spot('BTC-USDT'),
  mexc: spot('BTCUSDT'),
  okx: spot('BTC-USDT'),
  orderly: perpetual('PERP_BTC_USDC', 'USDC'),
  whitebit: spot('BTC_USDT'),
};

// redirect points all addresses of a client at one host.
function redirect(addresses, base) {
  if (typeof addresses === 'string') {
    return addresses.replace(/^(https?:\/\/)?[^/]+/, base);
  }
  return Object.fromEntries(Object.entries(addresses).map(([name, address]) => [name, redirect(address, base)]));
}

// open opens a desk: what a day needs of a client. Wrap, if given, changes the client
// before it is used.
export async function open(creds, wrap = () => {}) {
  const market = markets[creds.exchange];
  if (market === undefined) {
    throw new Error(`There is no market for ${creds.exchange}. Add one to ccxt.mjs.`);
  }
  const config = JSON.parse(creds.client_config);
  const client = await clientOf(config.exchange ? asCCXT(config) : config);
  client.options.builderFee = false; // Hyperliquid: the simulator has no builders.
  const { host } = new URL(creds.base_url);
  client.urls.api = redirect(client.urls.api, creds.base_url);
  if (client.urls.hostnames) {
    client.urls.hostnames = redirect(client.urls.hostnames, host);
  }
  client.hostname = host;
  client.enableRateLimit = false; // The simulator has limits of its own.
  client.timeout = 20_000;
  client.setMarkets([market]); // as if it had loaded them
  wrap(client);
  const { symbol, quote } = market;
  return {
    balance: async () => (await client.fetchBalance()).free[quote],
    buy: async (amount, price) => (await client.createOrder(symbol, 'limit', 'buy', amount, price)).id,
    openOrders: async () => (await client.fetchOpenOrders(symbol)).map((order) => order.id),
    cancel: (id) => client.cancelOrder(id, symbol),
    close: () => client.close?.(),
  };
}
