// The registration form, made alive. It seals and signs in the volunteer's browser, and sends nothing: what it made is put into
// a text field, which the person posts. The fields it reads are outside of every form; docs/web.md names them.

import { check } from "./check.js";
import { VolunteerKey } from "./key.js";
import { LONGEST_OFFER, isRecipient, offerFile } from "./offer.js";

/** Emptied as soon as their content is sealed, whatever the chosen kind. */
const SECRETS = ["sftp.password", "s3.access_key", "s3.secret_key", "webdav.password"];

/** As `spartacus offer seal` has it. */
const USUAL_DAYS = "180";

const WORDS = {
    unsafe:
        "This browser cannot seal secrets here, because the page did not come over https, or because it is too old. " +
        "Take the program, as described on this page.",
    invite: "The invite in this page cannot be used. Tell the project; meanwhile nothing can be sealed here.",
    over: "The invite of this page is over. Ask the project for a new one.",
    failed: "It could not be sealed in this browser. Take the program, as described on this page.",
    long: "There is more in it than the project reads. Shorten the notes.",
    made:
        "Sealed and signed. Nothing was sent yet, and the secrets are no longer in this page. Next, save volunteer.key and keep it: it is " +
        "the only proof that this offer is yours, you need it to change, pause or withdraw it, and it is gone when you leave this page.",
    saved: "volunteer.key was handed to your browser. Look that it is among your downloads; then send the sealed file, below.",
    changed: "You changed something: what was sealed before is gone. Seal again, then send.",
    unsaved:
        "You have not saved volunteer.key. Without it you cannot change, pause or withdraw the offer later. " +
        "Save it, or send once more to go on without it.",
};

class Registration {
    #section;
    #invite;
    #offer = document.querySelector('form#offer textarea[name="offer"]');
    #key = null;
    #made = null;
    #isBusy = false;
    #isSaved = false;
    #wasWarned = false;

    constructor(section, invite) {
        this.#section = section;
        this.#invite = invite;
        this.#fields("kind")[0]?.addEventListener("change", () => this.#showKind());
        this.#one('[data-action="seal"]').addEventListener("click", () => void this.#seal());
        this.#link.addEventListener("click", () => this.#saved());
        section.addEventListener("input", ({ target }) => target.dataset.field && this.#changed(target));
        this.#offer.form.addEventListener("submit", (event) => this.#beforeSend(event));
        // A page that comes back from the browser's memory would have a stranger's secrets in it.
        addEventListener("pagehide", () => this.#forget());
        for (const days of this.#fields("days")) days.value ||= USUAL_DAYS;
        this.#showKind();
        section.hidden = false;
    }

    async #seal() {
        if (this.#isBusy) return;
        this.#isBusy = true;
        try {
            await this.#sealed();
        } catch (error) {
            // Its message could quote what was typed; its name cannot.
            console.error(error?.name);
            this.#say(WORDS.failed);
        } finally {
            this.#isBusy = false;
        }
    }

    async #sealed() {
        if (Date.parse(this.#invite.expires) <= Date.now()) return this.#say(WORDS.over);
        const told = check(this.#values());
        if (this.#tellProblems(told.problems)) return;
        // One key for one page: what was saved before a correction must still fit after it.
        this.#key ??= new VolunteerKey();
        const file = await offerFile(this.#invite, this.#key, told, Date.now());
        if (file.length > LONGEST_OFFER) return this.#say(WORDS.long);
        this.#empty(SECRETS);
        this.#offer.value = this.#made = file;
        this.#offerKey(told.offered.name);
        this.#say(WORDS.made, "good");
        this.#link.focus();
    }

    /** What stands in the fields, by their names. */
    #values() {
        const values = {};
        for (const field of this.#fields()) {
            values[field.dataset.field] = field.type === "checkbox" ? field.checked : field.value;
        }
        return values;
    }

    /** Writes `problems` beside their fields; whether there are any. */
    #tellProblems(problems) {
        for (const field of this.#fields()) {
            const name = field.dataset.field;
            const place = this.#section.querySelector(`[data-error="${name}"]`);
            field.removeAttribute("aria-invalid");
            if (place) place.textContent = problems[name] ?? "";
            if (!(name in problems)) continue;
            field.setAttribute("aria-invalid", "true");
            if (place?.id && !field.getAttribute("aria-describedby")?.split(" ").includes(place.id)) {
                field.setAttribute("aria-describedby", [field.getAttribute("aria-describedby"), place.id].filter(Boolean).join(" "));
            }
        }
        const names = Object.keys(problems);
        if (names.length === 0) return false;
        this.#say(names.length === 1 ? "One field needs another look." : `${names.length} fields need another look.`);
        this.#fields().find((field) => field.dataset.field in problems)?.focus();
        return true;
    }

    #offerKey(name) {
        const link = this.#link;
        if (!link.hidden) return;
        const file = this.#key.file(`volunteer's key of ${name}`);
        link.href = URL.createObjectURL(new Blob([file], { type: "application/octet-stream" }));
        file.fill(0);
        link.download = "volunteer.key";
        link.hidden = false;
    }

    #saved() {
        this.#isSaved = true;
        this.#say(WORDS.saved, "good");
    }

    /** What was wrong with it may be right now, and what was sealed is not what stands in the fields any more. */
    #changed(field) {
        field.removeAttribute("aria-invalid");
        const place = this.#section.querySelector(`[data-error="${field.dataset.field}"]`);
        if (place) place.textContent = "";
        if (this.#made === null) return;
        if (sameText(this.#offer.value, this.#made)) this.#offer.value = "";
        this.#made = null;
        this.#say(WORDS.changed);
    }

    #beforeSend(event) {
        const isOurs = this.#made !== null && sameText(this.#offer.value, this.#made);
        if (!isOurs || this.#isSaved || this.#wasWarned) return;
        event.preventDefault();
        this.#wasWarned = true;
        this.#say(WORDS.unsaved);
        this.#link.focus();
    }

    #forget() {
        this.#empty(SECRETS);
        this.#key?.wipe();
        if (this.#link.href) URL.revokeObjectURL(this.#link.href);
        this.#link.removeAttribute("href");
        this.#link.hidden = true;
        this.#key = this.#made = null;
        this.#isSaved = this.#wasWarned = false;
    }

    #showKind() {
        const kind = this.#fields("kind")[0]?.value;
        for (const part of this.#section.querySelectorAll("fieldset[data-kind]")) part.hidden = part.dataset.kind !== kind;
    }

    #empty(names) {
        for (const name of names) for (const field of this.#fields(name)) field.value = "";
    }

    /** Without a mood it is something to be mended. */
    #say(words, mood = "bad") {
        const place = this.#one('[data-role="status"]');
        place.textContent = words;
        place.dataset.mood = mood;
    }

    get #link() {
        return this.#one('a[data-action="key"]');
    }

    #one(selector) {
        return this.#section.querySelector(selector);
    }

    #fields(name) {
        return [...this.#section.querySelectorAll(name ? `[data-field="${name}"]` : "[data-field]")];
    }
}

/** Text fields may give lines back with other ends than they got. */
function sameText(one, other) {
    const plain = (text) => text.replaceAll("\r\n", "\n");
    return plain(one) === plain(other);
}

function start() {
    const section = document.getElementById("register");
    if (!section) return;
    const refuse = (words) => {
        const told = document.createElement("p");
        told.setAttribute("role", "status");
        told.textContent = words;
        section.before(told);
    };
    if (!isSecureContext || !globalThis.crypto?.subtle) return refuse(WORDS.unsafe);
    let invite;
    try {
        invite = JSON.parse(section.dataset.invite);
    } catch {
        return refuse(WORDS.invite);
    }
    const isWhole = /^[0-9a-f]{64}$/.test(invite?.pin) && Array.isArray(invite.recipients) && invite.recipients.length > 0;
    if (!isWhole || !invite.recipients.every(isRecipient)) return refuse(WORDS.invite);
    if (Date.parse(invite.expires) <= Date.now()) return refuse(WORDS.over);
    new Registration(section, invite);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
