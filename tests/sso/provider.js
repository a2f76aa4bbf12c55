// A certified provider of OpenID Connect on loopback: whoever logs in with whatever password is who he says.
// Arguments: port, a JSON of clients, a JSON of accounts (name → claims), a name of the signing key.
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const [port, clients, accounts, kid] = process.argv.slice(2);
const known = JSON.parse(accounts);
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: JSON.parse(clients),
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" }] },
  cookies: { keys: ["of a test"] },
  conformIdTokenClaims: false,
  claims: {
    openid: ["sub"],
    profile: ["preferred_username"],
    email: ["email", "email_verified"],
    groups: ["groups", "realm_access"],
  },
  features: { deviceFlow: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...known[sub] }) }),
  ttl: { IdToken: 600, AccessToken: 600, Interaction: 600, Grant: 600, Session: 600, DeviceCode: 600 },
});
provider.listen(Number(port), "127.0.0.1", () => process.stdout.write("ready\n"));
