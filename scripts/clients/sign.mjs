// signer returns a function that has Vault sign a request: at the url, a path below
// sign/, with the token of whoever may use the key. Its answer is the request to send:
// url, method, headers and body.
export function signer({ url, token }) {
  return async (method, target, body) => {
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
    return data;
  };
}
