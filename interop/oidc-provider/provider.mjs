// An OpenID provider that is not Segl's, for tests/identity/test_openid_provider.py: `node provider.mjs '{"port": …, "clients": […]}'`.
// A log-in has no pages. GET /interaction/… tells what is asked for; POST answers it with who logs in, at what level, or with an error.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const { port, clients } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const made = (type, options, more) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', ...more });
const names = { 14830750003: 'Ingrid Solvang', 22898410068: 'Jonas Myhre' };

const provider = new Provider(issuer, {
  clients,
  jwks: {
    keys: [
      made('rsa', { modulusLength: 2048 }, { kid: 'rsa' }),
      made('ec', { namedCurve: 'P-256' }, { kid: 'ec', alg: 'ES256' }),
      made('ed25519', {}, { kid: 'ed', alg: 'EdDSA' }),
    ],
  },
  cookies: { keys: ['a key of the test'] },
  acrValues: ['loa-substantial', 'loa-high'],
  claims: { openid: ['sub', 'pid', 'acr', 'amr', 'auth_time'], profile: ['name'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true, methods: ['S256'] },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'] },
  features: {
    devInteractions: { enabled: false },
    encryption: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, number) => ({
    accountId: number,
    claims: () => ({ sub: `subject-of-${number}`, pid: number, name: names[number] }),
  }),
  // Whoever logs in has agreed to everything: there is no page to agree on.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid profile');
    await grant.save();
    return grant;
  },
});

const serve = provider.callback();
createServer(async (request, response) => {
  if (!request.url.startsWith('/interaction/')) return serve(request, response);
  const details = await provider.interactionDetails(request, response);
  if (request.method === 'GET') {
    response.setHeader('Content-Type', 'application/json');
    return response.end(JSON.stringify({ prompt: details.prompt, params: details.params }));
  }
  let body = '';
  for await (const part of request) body += part;
  const { person, acr, error } = Object.fromEntries(new URLSearchParams(body));
  const result = error ? { error } : { login: { accountId: person, acr, amr: ['BankID'] } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}).listen(port, '127.0.0.1', () => console.log('ready'));
