// Says to which host the ccxt client of each given client_config would send a signed
// request. It reads a JSON list of client_config from the standard input, and writes a
// JSON list of hosts.
import { text } from 'node:stream/consumers';
import { clientOf } from './ccxt.mjs';

// addresses are all that a client has for signed requests, or all if it has one for both.
function addresses(api) {
  if (typeof api === 'string') {
    return [api];
  }
  const named = Object.entries(api).filter(([name]) => /^private$/i.test(name));
  return (named.length > 0 ? named : Object.entries(api)).flatMap(([, address]) => addresses(address));
}

const hosts = [];
for (const config of JSON.parse(await text(process.stdin))) {
  const client = await clientOf(JSON.parse(config));
  const api = client.urls.api.v4 ?? client.urls.api;
  hosts.push(new URL(client.implodeHostname(addresses(api)[0])).host);
}
console.log(JSON.stringify(hosts));
