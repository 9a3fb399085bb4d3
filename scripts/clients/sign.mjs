// ask has Vault sign: at the url, a path below sign/, with the token of whoever may use
// the key.
export async function ask({ url, token }, fields) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'X-Vault-Token': token, 'Content-Type': 'application/json' },
    body: JSON.stringify(fields),
  });
  const { data, errors } = await answer.json();
  if (!answer.ok) {
    throw new Error(`Vault does not sign: ${errors}`);
  }
  return data;
}

// signer returns a function that has Vault sign a request. Its answer is the request to
// send: url, method, headers and body.
export function signer(vault) {
  return (method, target, body) => {
    const { pathname, search } = new URL(target);
    return ask(vault, { method, path: pathname, query: search.slice(1), body: body || '' });
  };
}
