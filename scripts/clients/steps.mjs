// What the programs that trade for the tests have in common: they report what came of
// each step as one line of JSON, and never a secret.

// Some clients log to the standard output, which is for the steps.
console.info = console.debug = console.log = console.error;

// stepper returns a function that takes a step with the desk, reports it, and says
// whether it came out true. The name of a step says what should be the case.
export function stepper(creds) {
  return async (step, act) => {
    const line = { step };
    try {
      line.result = await act();
    } catch (failure) {
      // Some SDKs throw what the exchange answered, which is no Error.
      const refusal = failure instanceof Error ? failure.response?.data : failure;
      const answer = refusal ? ` ${JSON.stringify(refusal)}` : '';
      line.error = failure.constructor.name;
      line.message = hidden(creds, (failure.message ?? '') + answer).slice(0, 500);
    }
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return line.result === true;
  };
}

// hidden is a text without any part of the credential.
function hidden(creds, message) {
  for (const part of ['api_secret', 'passphrase', 'private_key', 'token']) {
    if (creds[part]) {
      message = message.replaceAll(creds[part], '(hidden)').replaceAll(encodeURIComponent(creds[part]), '(hidden)');
    }
  }
  return message;
}

// isOrder says whether the client has read the id of an order.
export const isOrder = (id) => typeof id === 'string' && id !== '';
