// How the ccxt client of each exchange is set up for a key that was minted, and what
// it trades.

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

// simple is a desk at an exchange whose client needs nothing more.
function simple(name, market, options = {}) {
  return async (creds) => ({ client: new (await load(name))({ ...common(creds), options }), market });
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
  hyperliquid: async (creds) => ({
    client: new (await load('hyperliquid'))({ walletAddress: creds.sub_account, privateKey: creds.private_key, options: { builderFee: false } }),
    market: perpetual('BTC', 'USDC', { baseId: '0' }),
  }),
  kucoin: simple('kucoin', spot('BTC-USDT')),
  mexc: simple('mexc', spot('BTCUSDT')),
  okx: simple('okx', spot('BTC-USDT')),
  orderly: async (creds) => ({
    client: new (await load('woofipro'))({ ...common(creds), accountId: creds.sub_account }),
    market: perpetual('PERP_BTC_USDC', 'USDC'),
  }),
  whitebit: simple('whitebit', spot('BTC_USDT')),
};
