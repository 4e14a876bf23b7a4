// What a volunteer wrote, checked as the project will check it, so that mistakes are told while they can be mended.
// The words are for people who have a web server, and have never heard of us.

import { ADDRESSES, hostKeys, hostName, isCountry, mailAddress, remotePath, serviceName, size } from "./parts.js";

const LONGEST = { name: 64, line: 200, notes: 4096, secret: 1024 };
const MOST_DAYS = 400;

/**
 * Checks the fields. `values` has the text of each, or true and false. What comes back has `problems`, words by the name of a
 * field, and, when there is none, what is `offered` to everybody's eyes, what belongs `inside`, and for how many `days`.
 */
export function check(values) {
    const page = new Page(values);
    const kind = page.one("kind", PLACES, "choose how the files get to you");
    const offered = {
        name: page.needed("name", name),
        public_url: page.needed("public_url", ADDRESSES.public),
        kind,
        operator: page.wanted("operator", line),
        country: page.wanted("country", country),
        network: page.wanted("network", line),
        limits: some({
            max_bytes: page.wanted("limits.max_bytes", size),
            bandwidth: page.wanted("limits.bandwidth", size),
            metered: page.ticked("limits.metered"),
        }),
    };
    const inside = {
        ...(PLACES[kind]?.(page) ?? {}),
        contact: page.wanted("contact", mailAddress),
        notes: page.wanted("notes", notes),
    };
    const days = page.needed("days", wholeDays);
    return { problems: page.problems, offered: some(offered), inside: some(inside), days };
}

/** The fields of each protocol: where the place is, and what it takes to get in. */
const PLACES = {
    sftp: (page) => ({
        place: {
            sftp: some({
                host: page.needed("sftp.host", hostName),
                port: page.wanted("sftp.port", port),
                user: page.needed("sftp.user", login),
                path: page.needed("sftp.path", (text) => remotePath(text, true)),
                host_keys: page.needed("sftp.host_keys", hostKeys),
            }),
        },
        secrets: some({ password: page.secret("sftp.password") }),
    }),
    s3: (page) => ({
        place: {
            s3: some({
                endpoint: page.needed("s3.endpoint", ADDRESSES.login),
                region: page.wanted("s3.region", serviceName),
                bucket: page.needed("s3.bucket", serviceName),
                prefix: page.wanted("s3.prefix", (text) => remotePath(text, false)),
                virtual_host: page.ticked("s3.virtual_host"),
            }),
        },
        secrets: some({ access_key: page.secret("s3.access_key", true), secret_key: page.secret("s3.secret_key", true) }),
    }),
    webdav: (page) => {
        const user = page.wanted("webdav.user", login);
        const password = page.secret("webdav.password", user !== undefined);
        if (password !== undefined && user === undefined) page.wrong("webdav.user", "a password needs its login name");
        return { place: { webdav: some({ url: page.needed("webdav.url", ADDRESSES.login), user }) }, secrets: some({ password }) };
    },
};

/** The fields as they were filled in, and what is wrong with them. */
class Page {
    problems = {};
    #values;

    constructor(values) {
        this.#values = values;
    }

    wrong(field, words) {
        this.problems[field] ??= words;
        return undefined;
    }

    one(field, known, words) {
        const text = this.#text(field);
        return Object.hasOwn(known, text) ? text : this.wrong(field, words);
    }

    needed(field, read) {
        return this.#text(field) === "" ? this.wrong(field, "this is needed") : this.wanted(field, read);
    }

    wanted(field, read) {
        const text = this.#text(field);
        if (text === "") return undefined;
        try {
            return read(text);
        } catch (problem) {
            if (problem instanceof TypeError || problem instanceof ReferenceError) throw problem;
            return this.wrong(field, problem.message);
        }
    }

    /** A secret is taken as it stands: a blank may belong to it. */
    secret(field, isNeeded = false) {
        const text = this.#values[field] ?? "";
        if (text === "") return isNeeded ? this.wrong(field, "this is needed") : undefined;
        if (/[\p{Cc}\p{Surrogate}]/u.test(text)) return this.wrong(field, "this has more than one line, or a character that cannot be typed");
        if (text.length > LONGEST.secret) return this.wrong(field, "this is longer than any password or key that we know of");
        return text;
    }

    ticked(field) {
        return this.#values[field] === true ? true : undefined;
    }

    #text(field) {
        const value = this.#values[field];
        return typeof value === "string" ? value.trim() : "";
    }
}

/** `fields` without those that are absent; nothing when that leaves nothing. */
function some(fields) {
    const there = Object.entries(fields).filter(([, value]) => value !== undefined);
    return there.length === 0 ? undefined : Object.fromEntries(there);
}

function name(text) {
    if (/^[a-z0-9][a-z0-9._-]*$/.test(text) && text.length <= LONGEST.name) return text;
    throw new RangeError("use a-z, 0-9, '.', '_' and '-', such as paris-1; 64 characters at most");
}

function line(text) {
    // The second half are characters that turn or break lines.
    if (/[\p{Cc}\p{Surrogate}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(text)) {
        throw new RangeError("write one line of ordinary text");
    }
    if (new TextEncoder().encode(text).length > LONGEST.line) throw new RangeError("this is too long: 200 bytes at most");
    return text;
}

function country(text) {
    const code = text.toUpperCase();
    if (isCountry(code)) return code;
    throw new RangeError("write the two letters of a country, such as DE");
}

function port(text) {
    const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (number >= 1 && number <= 65535) return number;
    throw new RangeError("write a number from 1 to 65535; SSH has 22");
}

function login(text) {
    if (/[\s:\p{Cc}\p{Surrogate}]/u.test(text)) throw new RangeError("write only the login name, without blanks and colons");
    return line(text);
}

function notes(text) {
    if (/\p{Surrogate}/u.test(text) || new TextEncoder().encode(text).length > LONGEST.notes) {
        throw new RangeError("this is too long: 4096 bytes at most");
    }
    // Shown to the maintainer on one line, where the end of one would stand as an escape.
    return text.replace(/\s*\p{Cc}\s*/gu, " ");
}

function wholeDays(text) {
    const days = /^\d{1,3}$/.test(text) ? Number(text) : 0;
    if (days >= 1 && days <= MOST_DAYS) return days;
    throw new RangeError("write a number of days from 1 to 400");
}
