// The file of an offer: what everybody may read, what is sealed to the project, and the volunteer's signature under both.
// src/registration/offer reads it.

import { armor, Encrypter } from "age-encryption";

import { canonical } from "./canonical.js";

const SCHEMA = "spartacus.offer/1";
/** Longest file, in bytes: the server takes no more. */
export const LONGEST_OFFER = 64 * 1024;
const DAY = 24 * 60 * 60 * 1000;

const encoder = new TextEncoder();

/**
 * The text of the file in which the owner of `key` offers a place, written at `now` (milliseconds since 1970).
 * `invite` has the project's `pin` and its `recipients`; `told` is what `check` made of the fields.
 */
export async function offerFile(invite, key, told, now) {
    const volunteer = key.publicLine;
    const plain = encoder.encode(JSON.stringify({ volunteer, ...told.inside }));
    const sealed = await sealedLines(plain, invite.recipients);
    plain.fill(0);
    const at = moment(now);
    const offer = { ...told.offered, expires: moment(now + told.days * DAY), sealed };
    const signed = { at, project: invite.pin, request: { offer }, sequence: now, volunteer };
    const signature = key.sign(signedBytes(signed));
    return `${JSON.stringify({ schema: SCHEMA, signature, signed }, null, 2)}\n`;
}

/** What is signed: the name of the form, a zero byte, the canonical bytes. */
export function signedBytes(signed) {
    const name = encoder.encode(`${SCHEMA}\0`);
    const claim = canonical(signed);
    const bytes = new Uint8Array(name.length + claim.length);
    bytes.set(name);
    bytes.set(claim, name.length);
    return bytes;
}

/** Whether the project can open what is sealed to `text`: it uses age's X25519 recipients alone. */
export function isRecipient(text) {
    return /^age1[02-9ac-hj-np-z]{58}$/.test(text);
}

async function sealedLines(plain, recipients) {
    if (recipients.length === 0 || !recipients.every(isRecipient)) throw new TypeError("the invite has no recipients");
    const encrypter = new Encrypter();
    for (const recipient of recipients) encrypter.addRecipient(recipient);
    return armor.encode(await encrypter.encrypt(plain)).trimEnd().split("\n");
}

/** Whole seconds, as all moments that are signed. */
function moment(millis) {
    return new Date(millis).toISOString().replace(/\.\d+Z$/, "Z");
}
