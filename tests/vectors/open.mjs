// A reader of envelopes written from docs/ENVELOPE.md alone, with only Node's WebCrypto.
// usage: node open.mjs VECTORS.json   prints one JSON object with the result of each vector. Exits 0; the test judges.
import { readFileSync } from "node:fs";

const { subtle } = globalThis.crypto;
const text = new TextEncoder();

function encode(bytes) {
  return Buffer.from(bytes).toString("base64url");
}

function decode(part) {
  const bytes = Buffer.from(part, "base64url"); // lenient, so the result is encoded again and compared
  if (encode(bytes) !== part) throw new Error("not canonical base64url");
  return bytes;
}

async function kidOf(dataKey) {
  const key = await subtle.importKey("raw", dataKey, "HKDF", false, ["deriveBits"]);
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: text.encode("configsvc/kid/1") };
  return encode(await subtle.deriveBits(hkdf, key, 256));
}

function protectedHeader({ namespace, key, version, content_type: cty }, kid) {
  return encode(text.encode(JSON.stringify({
    alg: "dir", configsvc: { key, namespace, version }, cty, enc: "A256GCM", kid,
  })));
}

async function open(dataKey, expected, envelope) {
  const parts = envelope.split(".");
  if (parts.length !== 5 || parts[1] !== "") throw new Error("not five parts, the second empty");
  if (parts[0] !== protectedHeader(expected, await kidOf(dataKey))) throw new Error("another header");
  const [nonce, ciphertext, tag] = parts.slice(2).map(decode);
  if (nonce.length !== 12 || tag.length !== 16) throw new Error("another size");
  const key = await subtle.importKey("raw", dataKey, "AES-GCM", false, ["decrypt"]);
  const gcm = { name: "AES-GCM", iv: nonce, additionalData: text.encode(parts[0]), tagLength: 128 };
  return encode(await subtle.decrypt(gcm, key, Buffer.concat([ciphertext, tag])));
}

async function outcome(dataKey, vector) {
  try {
    return { opened: await open(decode(dataKey), vector, vector.envelope) };
  } catch (error) {
    return { refused: String(error.message || error.name) };
  }
}

const vectors = JSON.parse(readFileSync(process.argv[2], "utf8"));
const found = { kids: [], opens: [], refused: [], opens_under_two_keys: [] };
for (const { data_key } of vectors.kids) found.kids.push(await kidOf(decode(data_key)));
for (const part of ["opens", "refused"]) {
  for (const vector of vectors[part]) found[part].push(await outcome(vector.data_key, vector));
}
for (const vector of vectors.opens_under_two_keys) {
  found.opens_under_two_keys.push(await Promise.all(vector.data_keys.map((each) => outcome(each, vector))));
}
console.log(JSON.stringify(found));
