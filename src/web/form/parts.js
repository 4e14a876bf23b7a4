// Addresses, names and sizes, as src/config reads them. Each function gives back what is sent, or throws a `RangeError` with
// words for the person who wrote it.

const CODES =
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
    "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE " +
    "GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP " +
    "KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF " +
    "NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN " +
    "SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA " +
    "ZM ZW";
const BINARY = ["b", "kib", "mib", "gib", "tib", "pib"];
const DECIMAL = ["b", "kb", "mb", "gb", "tb", "pb"];
const LONGEST_ADDRESS = 2000;
const MOST_HOST_KEYS = 16;

/** Whether `code` is officially a country's (ISO 3166-1). */
export function isCountry(code) {
    return /^[A-Z]{2}$/.test(code) && CODES.split(" ").includes(code);
}

export const ADDRESSES = {
    /** Where readers find the files. */
    public: (text) => address(text, "https://mirror.example.org/archive/").href,
    /** Where our login is sent to. */
    login: (text) => {
        const url = address(text, "https://storage.example.org/");
        if (url.protocol === "http:" && !staysHere(url.hostname)) {
            throw new RangeError("http would send the login for everybody on the way to read: write https://");
        }
        return url.href;
    },
};

function address(text, example) {
    let url;
    try {
        url = new URL(text);
    } catch {
        throw new RangeError(`write the whole address, such as ${example}`);
    }
    if (!["https:", "http:"].includes(url.protocol)) throw new RangeError(`write an address such as ${example}`);
    if (url.username !== "" || url.password !== "") throw new RangeError("leave out the login before the @: it has fields of its own");
    if (/[?#]/.test(text)) throw new RangeError("leave out ? and # and what follows: end it with the folder");
    const climbs = (part) => [".", ".."].includes(part.toLowerCase().replaceAll("%2e", "."));
    if (text.includes("\\") || text.split("/").some(climbs)) throw new RangeError("write the path out, without .. and backslashes");
    if (url.port === "0" || text.length > LONGEST_ADDRESS) throw new RangeError(`write an address such as ${example}`);
    return url;
}

/** Whether what is sent to `host` crosses no network. */
function staysHere(host) {
    return host === "localhost" || host.endsWith(".localhost") || /^127(\.\d+){3}$/.test(host) || host === "[::1]";
}

/** A host name or address, without anything around it. */
export function hostName(text) {
    if (text.includes("/")) throw new RangeError("write only the host name; the folder has a field of its own");
    if (text.includes("@")) throw new RangeError("write only the host name; the login name has a field of its own");
    const bare = text.replace(/^\[(.*)\]$/, "$1");
    const isSix = bare.split(":").length > 2;
    if (bare.includes(":") && !isSix) throw new RangeError("write only the host name; the port has a field of its own");
    let host;
    try {
        host = new URL(`https://${isSix ? `[${bare}]` : bare}/`).hostname.replace(/^\[(.*)\]$/, "$1");
    } catch {
        throw new RangeError("write a host name such as mirror.example.org, or an address");
    }
    const part = /^[A-Za-z0-9_-]{1,63}$/;
    if (!isSix && (host.length > 253 || !host.replace(/\.$/, "").split(".").every((label) => part.test(label)))) {
        throw new RangeError("write a host name such as mirror.example.org, or an address");
    }
    return host;
}

/** A path below a base; with `isAbsolute` it may begin with a slash, or be the login folder or the root itself. */
export function remotePath(text, isAbsolute) {
    if (isAbsolute && ["/", ".", "./"].includes(text)) return text[0];
    const path = text.replace(/\/$/, "");
    const below = isAbsolute ? path.replace(/^\//, "") : path;
    if (below.startsWith("~")) throw new RangeError("leave out the ~: a path without a slash at its beginning is below the login folder");
    const isOdd = (part) => ["", ".", ".."].includes(part) || /[\p{Cc}\p{Surrogate}]/u.test(part);
    if (below.split("/").some(isOdd)) throw new RangeError("write a plain path such as pub/archive, without .. and doubled slashes");
    return path;
}

/** A bucket's or region's name. */
export function serviceName(text) {
    if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/.test(text)) return text;
    throw new RangeError("only letters, digits, '.', '_' and '-' are in such a name");
}

/** Host keys, one a line, in each form in which OpenSSH's programs print them. */
export function hostKeys(text) {
    const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
    if (lines.length === 0 || lines.length > MOST_HOST_KEYS) throw new RangeError("write one host key a line, 1 to 16 of them");
    return lines.map(hostKey);
}

function hostKey(line) {
    const fingerprint = /(?:^|\s)(SHA256:[A-Za-z0-9+/]{43})=?(?:\s|$)/.exec(line);
    if (fingerprint) return fingerprint[1];
    // What stands before the key is a mark for authorities, or a host name of ssh-keyscan, which does not count here.
    const key = /^(@cert-authority\s+)?(?:\S+\s+)?((?:ssh|ecdsa)-[a-z0-9-]+\s+AAAA[A-Za-z0-9+/]+={0,2})(?:\s.*)?$/.exec(line);
    if (key) return `${key[1] ? "@cert-authority " : ""}${key[2].replace(/\s+/, " ")}`;
    throw new RangeError("write what this prints on your server: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
}

/** A plain mail address. */
export function mailAddress(text) {
    if (/[\s,;]/.test(text)) throw new RangeError("write one mail address");
    const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
    const label = "[A-Za-z0-9-]+";
    const form = new RegExp(`^${atom}(\\.${atom})*@${label}(\\.${label})*$`);
    if (text.length <= 254 && form.test(text)) return text;
    throw new RangeError("write a mail address such as ann@example.org");
}

/** A number of bytes: `200 GiB`, `10 MB`, `4096`. */
export function size(text) {
    const [, digits, unit] = /^(\d{1,16})\s*([A-Za-z]*)(?:\/s)?$/.exec(text) ?? [];
    const named = (names) => names.indexOf(unit.toLowerCase());
    const factor =
        unit === undefined ? NaN
        : unit === "" ? 1
        : named(BINARY) >= 0 ? 1024 ** named(BINARY)
        : named(DECIMAL) >= 0 ? 1000 ** named(DECIMAL)
        : NaN;
    const bytes = Number(digits) * factor;
    if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
    throw new RangeError("write a number and a unit, such as 200 GiB");
}
