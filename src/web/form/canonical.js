// The bytes that are signed: OLPC canonical JSON, as src/trust/canonical.rs writes it.

const encoder = new TextEncoder();

/** The canonical bytes of `value`. Throws for what two readers could understand in two ways. */
export function canonical(value) {
    return encoder.encode(written(value));
}

function written(value) {
    if (typeof value === "string") return quoted(value);
    if (typeof value === "boolean") return String(value);
    if (Number.isSafeInteger(value)) return String(value);
    if (Array.isArray(value)) return `[${value.map(written).join(",")}]`;
    if (value !== null && typeof value === "object") {
        // UTF-16 order is code-point order as long as names are ASCII, and all of ours are.
        const names = Object.keys(value).sort();
        return `{${names.map((name) => `${quoted(name)}:${written(value[name])}`).join(",")}}`;
    }
    throw new TypeError("only texts, whole numbers, yes and no, lists and objects are signed");
}

function quoted(text) {
    // A lone half of a character has no bytes of its own: it would be signed as another text than is sent.
    if (/\p{Surrogate}/u.test(text)) throw new TypeError("a text has half a character in it");
    return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
