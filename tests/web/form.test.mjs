// What the registration form makes, judged by programs that others wrote: age, minisign, and node's own ed25519.
// `make web` first, then: node --test tests/web/

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPublicKey, verify } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { canonical } from "../../target/web-build/canonical.js";
import { check } from "../../target/web-build/check.js";
import { VolunteerKey } from "../../target/web-build/key.js";
import { offerFile } from "../../target/web-build/offer.js";
import { isCountry, size } from "../../target/web-build/parts.js";

const folder = mkdtempSync(join(tmpdir(), "spartacus-form-"));
after(() => rmSync(folder, { recursive: true }));

const PIN = "5e".repeat(32);
const NOW = Date.parse("2026-11-29T17:00:00.250Z");
const HOST_KEY = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

const COMMON = { name: "paris", public_url: "https://mirror.example.org/archive/", contact: "alice@example.org", days: "180" };
const FIELDS = {
    sftp: { ...COMMON, kind: "sftp", "sftp.host": "sftp.example.org", "sftp.user": "mirror", "sftp.path": "pub/archive/", "sftp.host_keys": `${HOST_KEY}\n` },
    s3: {
        ...COMMON,
        kind: "s3",
        "s3.endpoint": "https://s3.example.org",
        "s3.bucket": "bucket-41",
        "s3.prefix": "prefix-43/",
        "s3.access_key": "AKIAEXAMPLE",
        "s3.secret_key": "wJalrXUtnFEMI/K7MDENG",
    },
    webdav: { ...COMMON, kind: "webdav", "webdav.url": "https://dav.example.org/box/", "webdav.user": "login-42", "webdav.password": ' "hunter2" \\ ' },
};

/** Runs a program of Debian's. */
function run(program, ...args) {
    try {
        return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    } catch (error) {
        if (error.code === "ENOENT") throw new Error(`${program} is not installed: run scripts/test-tools`);
        throw error;
    }
}

/** A new identity, as Debian's age makes it: the path of its file, and its recipient. */
function identity(name) {
    const path = join(folder, `${name}.txt`);
    run("age-keygen", "-o", path);
    return { path, recipient: run("age-keygen", "-y", path).trim() };
}

const identities = [identity("online"), identity("offline")];
const invite = { pin: PIN, recipients: identities.map((one) => one.recipient) };

async function sealed(values, key = new VolunteerKey()) {
    const told = check(values);
    assert.deepEqual(told.problems, {});
    return JSON.parse(await offerFile(invite, key, told, NOW));
}

function opened(offer, { path }) {
    const armor = join(folder, "sealed.age");
    writeFileSync(armor, `${offer.sealed.join("\n")}\n`);
    return JSON.parse(run("age", "-d", "-i", path, armor));
}

/** Sorted names and no white space: as long as no text has a control character, that is canonical JSON. */
function sorted(value) {
    if (Array.isArray(value)) return value.map(sorted);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])]));
}

const INSIDE = {
    sftp: {
        place: { sftp: { host: "sftp.example.org", user: "mirror", path: "pub/archive", host_keys: [HOST_KEY] } },
    },
    s3: {
        place: { s3: { endpoint: "https://s3.example.org/", bucket: "bucket-41", prefix: "prefix-43" } },
        secrets: { access_key: "AKIAEXAMPLE", secret_key: "wJalrXUtnFEMI/K7MDENG" },
    },
    webdav: {
        place: { webdav: { url: "https://dav.example.org/box/", user: "login-42" } },
        secrets: { password: ' "hunter2" \\ ' },
    },
};

for (const kind of Object.keys(FIELDS)) {
    test(`each recipient opens a sealed ${kind} place, and nothing of it is in clear`, async () => {
        const key = new VolunteerKey();
        const file = await sealed(FIELDS[kind], key);
        const offer = file.signed.request.offer;
        for (const one of identities) {
            assert.deepEqual(opened(offer, one), { volunteer: key.publicLine, ...INSIDE[kind], contact: "alice@example.org" });
        }
        const stranger = identity(`stranger-${kind}`);
        assert.throws(() => opened(offer, stranger), /no identity matched/);
        const text = JSON.stringify(file);
        for (const [field, value] of Object.entries(FIELDS[kind])) {
            if (/^(contact|sftp\.host|s3\.|webdav\.)/.test(field)) assert.ok(!text.includes(value), field);
        }
        assert.deepEqual(Object.keys(offer).sort(), ["expires", "kind", "name", "public_url", "sealed"]);
        assert.equal(offer.expires, "2027-05-28T17:00:00Z");
    });
}

test("node's ed25519 finds the signature good, and over canonical bytes", async () => {
    const key = new VolunteerKey();
    const values = { ...FIELDS.webdav, operator: 'Ål "x" \\ 😀', country: "fr", "limits.max_bytes": "200 GiB", "limits.metered": true };
    const { schema, signature, signed } = await sealed(values, key);
    const raw = Buffer.from(key.publicLine, "base64");
    const publicKey = createPublicKey({
        key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw.subarray(10)]),
        format: "der",
        type: "spki",
    });
    const verifies = (text) => verify(null, Buffer.from(`${schema}\0${text}`), publicKey, Buffer.from(signature, "base64"));
    assert.ok(verifies(JSON.stringify(sorted(signed))));
    assert.ok(!verifies(JSON.stringify(sorted({ ...signed, sequence: signed.sequence + 1 }))));
    assert.equal(schema, "spartacus.offer/1");
    const { project, volunteer, sequence, at, request } = signed;
    assert.deepEqual([project, volunteer, sequence, at], [PIN, key.publicLine, NOW, "2026-11-29T17:00:00Z"]);
    assert.deepEqual(request.offer.limits, { max_bytes: 200 * 1024 ** 3, metered: true });
    assert.equal(request.offer.country, "FR");
});

test("canonical bytes are those that src/trust/canonical.rs tests for", () => {
    const value = { b: [1, -2, true], a: { 'é"': "x\\y" }, A: Number.MAX_SAFE_INTEGER };
    assert.equal(Buffer.from(canonical(value)).toString(), '{"A":9007199254740991,"a":{"é\\"":"x\\\\y"},"b":[1,-2,true]}');
    for (const bad of [1.5, null, undefined, 2 ** 60, "\ud800", { a: NaN }]) assert.throws(() => canonical(bad), TypeError);
});

test("minisign signs with the key file, and the public line verifies it", () => {
    const key = new VolunteerKey();
    const [secret, message] = [join(folder, "volunteer.key"), join(folder, "message")];
    writeFileSync(secret, key.file("volunteer's key of paris"), { mode: 0o600 });
    writeFileSync(message, "hello\n");
    run("minisign", "-S", "-s", secret, "-m", message);
    assert.match(run("minisign", "-V", "-P", key.publicLine, "-m", message), /verified/);
    assert.throws(() => run("minisign", "-V", "-P", new VolunteerKey().publicLine, "-m", message));
    key.wipe();
    const wiped = Buffer.from(Buffer.from(key.file("x")).toString().split("\n")[1], "base64");
    assert.deepEqual(wiped.subarray(62, 94), Buffer.alloc(32));
});

test("an offer is sealed to all or to nobody", async () => {
    const told = check(FIELDS.s3);
    const [one] = invite.recipients;
    for (const recipients of [[], [one, "age1xyz"], [one, "age1pq1qqqq"], [`${one}\n`]]) {
        await assert.rejects(offerFile({ pin: PIN, recipients }, new VolunteerKey(), told, NOW), TypeError);
    }
});

test("what is wrong is told beside its field, and beside no other", () => {
    const wrong = {
        sftp: {
            name: ["", "Paris", "-a", "a b", "a".repeat(65)],
            public_url: ["", "mirror.example.org", "ftp://mirror.example.org/", "https://a:b@example.org/", "https://example.org/?q", "https://example.org/a/../b"],
            kind: ["", "ftp", "toString"],
            operator: ["a\u202eb", "é".repeat(101)],
            country: ["UK", "XX", "France"],
            contact: ["alice", "a@b.org, c@d.org", "Alice <a@b.org>"],
            days: ["", "0", "401", "1.5", "-1"],
            notes: ["é".repeat(2049)],
            "limits.max_bytes": ["0", "1.5 GiB", "lots", "9000 PiB"],
            "limits.bandwidth": ["10 Mbit", "fast"],
            "sftp.host": ["", "sftp://example.org", "example.org/pub", "me@example.org", "example.org:22", "a..b", "a b"],
            "sftp.port": ["0", "65536", "ssh"],
            "sftp.user": ["", "me:secret", "a b"],
            "sftp.path": ["", "../etc", "a//b", "~/pub", "a/./b"],
            "sftp.host_keys": ["", "MD5:16:27", "# only a comment", "ssh-ed25519"],
            "sftp.password": ["two\nlines", "x".repeat(1025)],
        },
        s3: {
            "s3.endpoint": ["", "http://s3.example.org", "s3.example.org"],
            "s3.region": ["eu central"],
            "s3.bucket": ["", "a/b", ".a"],
            "s3.prefix": ["/a", "a/../b"],
            "s3.access_key": [""],
            "s3.secret_key": [""],
        },
        webdav: {
            "webdav.url": ["", "http://dav.example.org/", "https://me:secret@dav.example.org/"],
            "webdav.password": [""],
            "webdav.user": [""],
        },
    };
    for (const [kind, fields] of Object.entries(wrong)) {
        for (const [field, texts] of Object.entries(fields)) {
            for (const text of texts) {
                const { problems } = check({ ...FIELDS[kind], [field]: text });
                assert.deepEqual(Object.keys(problems), [field], `${field}: ${JSON.stringify(text)}`);
                assert.ok(!/secret/.test(problems[field]), "what was typed is not repeated");
            }
        }
    }
});

test("what people paste is understood", () => {
    const host = (text) => check({ ...FIELDS.sftp, "sftp.host": text }).inside.place.sftp.host;
    assert.equal(host(" SFTP.Example.org "), "sftp.example.org");
    assert.equal(host("[2001:db8::1]"), "2001:db8::1");
    assert.equal(host("2001:DB8:0::1"), "2001:db8::1");
    assert.equal(host("münchen.example"), "xn--mnchen-3ya.example");
    const blob = "AAAAC3NzaC1lZDI1NTE5AAAAIJ2vkPPQYKTHbeLEKlDMkmbOKLnUwsFmnWCbjBxJdyyN";
    const keys = (text) => check({ ...FIELDS.sftp, "sftp.host_keys": text }).inside.place.sftp.host_keys;
    assert.deepEqual(keys(`256 ${HOST_KEY} root@host (ED25519)`), [HOST_KEY]);
    assert.deepEqual(keys(`# host:22 SSH-2.0\nhost ssh-ed25519 ${blob}\n`), [`ssh-ed25519 ${blob}`]);
    assert.deepEqual(keys(`ssh-ed25519 ${blob} root@host`), [`ssh-ed25519 ${blob}`]);
    assert.deepEqual(keys(`@cert-authority ssh-ed25519 ${blob} root@host`), [`@cert-authority ssh-ed25519 ${blob}`]);
    for (const [text, bytes] of [["512", 512], ["10 MB", 1e7], ["10mib", 10 * 1024 ** 2], ["5 TiB", 5 * 1024 ** 4], ["2 MiB/s", 2 * 1024 ** 2]]) {
        assert.equal(size(text), bytes);
    }
    assert.equal(check({ ...FIELDS.sftp, notes: "Ring twice.\r\n\n Ann\t" }).inside.notes, "Ring twice. Ann");
    for (const url of ["http://localhost:9000/", "http://127.0.0.1:9000/", "http://[::1]:9000/"]) {
        assert.deepEqual(check({ ...FIELDS.s3, "s3.endpoint": url }).problems, {});
    }
});

test("countries are those that the program knows", () => {
    const source = readFileSync(new URL("../../src/config/check/country.rs", import.meta.url), "utf8");
    const codes = /const CODES: &str = "([A-Z\s\\]+)"/.exec(source)[1].match(/[A-Z]{2}/g);
    const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
    const known = letters.flatMap((one) => letters.map((two) => one + two)).filter(isCountry);
    assert.deepEqual(known, codes.sort());
});
