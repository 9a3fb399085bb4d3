// The ccxt clients, and what each desk trades.

// clientOf makes the client that client_config describes, as a bot does with
// new ccxt[config.id](config). It loads that class only: all of them would take seconds.
export async function clientOf(config) {
  const { default: Client } = await import(`./node_modules/ccxt/js/src/${config.id}.js`);
  return new Client(config);
}

// asCCXT is what freqtrade makes of its configuration for ccxt.
export function asCCXT({ exchange: { name, key, secret, password, ccxt_config: more } }) {
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
export const markets = {
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
