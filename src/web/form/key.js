// The volunteer's key: ed25519, in minisign's formats, as src/trust/key reads and writes them.

import { ed25519 } from "@noble/curves/ed25519.js";
import { blake2b } from "@noble/hashes/blake2.js";

const ALGORITHM = [0x45, 0x64]; // "Ed"
const CHECKSUM = [0x42, 0x32]; // "B2"
/** Length of a secret-key file's content, in bytes, and where its parts begin. */
const LENGTH = 158;
const AT = { checksumName: 4, number: 54, seed: 62, public: 94, checksum: 126 };

const encoder = new TextEncoder();

/** A key pair. Its secret half is in one array, which `wipe` overwrites. */
export class VolunteerKey {
    #seed;
    #public;
    #number;

    /** A new key; a test may give its 32 bytes and the eight of its number. */
    constructor(seed = random(32), number = random(8)) {
        this.#seed = seed;
        this.#number = number;
        this.#public = ed25519.getPublicKey(seed);
    }

    /** The line by which others know it, as `minisign -P` takes it. */
    get publicLine() {
        return base64(joined(ALGORITHM, this.#number, this.#public));
    }

    /** The signature of `message`, in base64. */
    sign(message) {
        return base64(ed25519.sign(message, this.#seed));
    }

    /** The bytes of its file, `volunteer.key`. There is no password on it: whoever has the file has the key. */
    file(comment) {
        const raw = new Uint8Array(LENGTH);
        raw.set(ALGORITHM);
        raw.set(CHECKSUM, AT.checksumName);
        raw.set(this.#number, AT.number);
        raw.set(this.#seed, AT.seed);
        raw.set(this.#public, AT.public);
        raw.set(blake2b(joined(ALGORITHM, raw.subarray(AT.number, AT.checksum)), { dkLen: 32 }), AT.checksum);
        const file = encoder.encode(`untrusted comment: ${comment.replace(/\p{Cc}/gu, " ")}\n${base64(raw)}\n`);
        raw.fill(0);
        return file;
    }

    /** Ends it: nothing can be signed any more. */
    wipe() {
        this.#seed.fill(0);
    }
}

function random(length) {
    return crypto.getRandomValues(new Uint8Array(length));
}

function joined(...parts) {
    return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function base64(bytes) {
    return btoa(String.fromCharCode(...bytes));
}
