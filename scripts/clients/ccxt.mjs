// Trades with the ccxt client of each exchange: how it is set up for a key that was
// minted, and what it trades.

// load loads the client of one exchange. All of them would take seconds.
async function load(name) {
  return (await import(`./node_modules/ccxt/js/src/${name}.js`)).default;
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

// common are the parts of a credential that most clients take. A private key
// stands in place of the secret.
function common(creds) {
  return { apiKey: creds.api_key, secret: creds.private_key ?? creds.api_secret, password: creds.passphrase };
}

// redirect points all addresses of a client at one host.
function redirect(addresses, base) {
  if (typeof addresses === 'string') {
    return addresses.replace(/^(https?:\/\/)?[^/]+/, base);
  }
  return Object.fromEntries(Object.entries(addresses).map(([name, address]) => [name, redirect(address, base)]));
}

// desk is what a day needs of a client.
function desk(client, market, creds) {
  const { host } = new URL(creds.base_url);
  client.urls.api = redirect(client.urls.api, creds.base_url);
  if (client.urls.hostnames) {
    client.urls.hostnames = redirect(client.urls.hostnames, host);
  }
  client.hostname = host;
  client.enableRateLimit = false; // The simulator has limits of its own.
  client.timeout = 20_000;
  client.setMarkets([market]); // as if it had loaded them
  const { symbol, quote } = market;
  return {
    balance: async () => (await client.fetchBalance()).free[quote],
    buy: async (amount, price) => (await client.createOrder(symbol, 'limit', 'buy', amount, price)).id,
    openOrders: async () => (await client.fetchOpenOrders(symbol)).map((order) => order.id),
    cancel: (id) => client.cancelOrder(id, symbol),
    close: () => client.close?.(),
  };
}

// simple opens a desk at an exchange whose client needs nothing more.
function simple(name, market, options = {}) {
  return async (creds) => desk(new (await load(name))({ ...common(creds), options }), market, creds);
}

export const desks = {
  binance: simple('binance', spot('BTCUSDT', { info: { orderTypes: ['LIMIT', 'MARKET'] } })),
  bingx: simple('bingx', spot('BTC-USDT')),
  bitget: simple('bitget', spot('BTCUSDT'), { uta: true }),
  bybit: simple('bybit', spot('BTCUSDT')),
  coinex: simple('coinex', spot('BTCUSDT')),
  deribit: simple('deribit', perpetual('BTC-PERPETUAL', 'USD')),
  gate: simple('gate', spot('BTC_USDT')),
  htx: simple('htx', spot('btcusdt')),
  hyperliquid: async (creds) => desk(
    new (await load('hyperliquid'))({ walletAddress: creds.sub_account, privateKey: creds.private_key, options: { builderFee: false } }),
    perpetual('BTC', 'USDC', { baseId: '0' }), creds,
  ),
  kucoin: simple('kucoin', spot('BTC-USDT')),
  mexc: simple('mexc', spot('BTCUSDT')),
  okx: simple('okx', spot('BTC-USDT')),
  orderly: async (creds) => desk(
    new (await load('woofipro'))({ ...common(creds), accountId: creds.sub_account }), perpetual('PERP_BTC_USDC', 'USDC'), creds,
  ),
  whitebit: simple('whitebit', spot('BTC_USDT')),
};
