// Drives a browser as people use it: `node drive.mjs`, with a task in JSON on standard input and what was seen in JSON on
// standard output. tests/suite/web/browser.rs starts it, and judges. What cannot be done at all ends it with words.

import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";

// The packages lie where `make web` put them.
const installed = createRequire(new URL("../../target/web-build/package.json", import.meta.url));
const { chromium } = installed("playwright-core");
const axe = installed("axe-core");

/** Everything on loopback is there within this, in milliseconds, however busy the machine is. */
const PATIENCE = 90_000;
/** More stops than any of our pages has. */
const MOST_STOPS = 150;
const TICKET = /t(-[0-9a-hjkmnp-tv-z]{4}){4}/;

const SHAPES = {
    desktop: { viewport: { width: 1280, height: 900 } },
    phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};

/** What is looked at and makes a picture, and the names of the pictures. */
const PICTURES = {
    "register-phone-dark": "form-phone",
    "status-desktop-light": "status",
    "status-desktop-dark": "status-dark",
    "status-phone-light": "status-phone",
};

/** A person at a machine that was never here before; `told` gets everything that the browser sent or complained about. */
async function person(browser, settings = {}) {
    const context = await browser.newContext({ acceptDownloads: true, ...settings });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    const told = { requests: [], complaints: [] };
    page.on("request", (sent) => told.requests.push(`${sent.method()} ${sent.url()} ${sent.postData() ?? ""}`));
    page.on("console", (message) => {
        // That an address has nothing is what a test may ask for.
        if (message.text().includes("404 (Not Found)")) return;
        if (message.type() === "error" || message.type() === "warning") told.complaints.push(message.text());
    });
    page.on("pageerror", (error) => told.complaints.push(String(error)));
    return { context, page, told };
}

const field = (page, name) => page.locator(`#register [data-field="${name}"]`);
const status = (page) => page.locator('#register [data-role="status"]');
const sealButton = (page) => page.locator('#register [data-action="seal"]');
const keyLink = (page) => page.locator('#register a[data-action="key"]');
const offerText = (page) => page.locator('form#offer textarea[name="offer"]');
const sendButton = (page) => page.locator("form#offer").getByRole("button");

async function fill(page, values) {
    for (const [name, value] of Object.entries(values)) {
        const place = field(page, name);
        if (typeof value === "boolean") await place.setChecked(value);
        else if (name === "kind") await place.selectOption(value);
        else await place.fill(value);
    }
}

/** The values of the fields that must be empty when their content is sealed. */
const secretsLeft = (page) =>
    page.locator("#register [data-field]").evaluateAll((fields) =>
        fields.filter((one) => /password|_key$/.test(one.dataset.field) && one.value !== "").map((one) => one.dataset.field),
    );

async function saved(page, folder, name, click) {
    const [download] = await Promise.all([page.waitForEvent("download"), click()]);
    const path = join(folder, `${name}.key`);
    await download.saveAs(path);
    return { path, suggested: download.suggestedFilename() };
}

async function arrived(page) {
    await page.waitForFunction((form) => new RegExp(form).test(document.body.innerText), TICKET.source);
    return TICKET.exec(await page.locator("body").innerText())[0];
}

const TASKS = {
    /** Each of `volunteers` (`name`, and `fields` by name) fills in the form, saves the key into `folder`, and sends. */
    async register(browser, { base, volunteers, folder, pictures }) {
        const offers = [];
        for (const { name, fields } of volunteers) {
            const { context, page, told } = await person(browser, SHAPES.desktop);
            // One of them is enough to be seen.
            const shown = offers.length === 0 ? pictures : null;
            await page.goto(`${base}/register`);
            await sealButton(page).click();
            const empty = { status: await status(page).innerText(), focused: await focusedField(page) };
            await fill(page, fields);
            await page.evaluate(() => document.activeElement.blur());
            await picture(page, shown, "form", "#fill");
            await sealButton(page).click();
            await keyLink(page).waitFor({ state: "visible" });
            await picture(page, shown, "sealed", '[data-action="seal"]');
            const words = await status(page).innerText();
            const left = await secretsLeft(page);
            // Whoever forgets to save the key is told, once.
            await sendButton(page).click();
            const warning = await status(page).innerText();
            const key = await saved(page, folder, name, () => keyLink(page).click());
            const offer = await offerText(page).inputValue();
            await sendButton(page).click();
            const ticket = await arrived(page);
            await picture(page, shown, "ticket");
            offers.push({ name, empty, words, left, warning, key, offer, ticket, url: page.url(), ...told });
            await context.close();
        }
        return { offers };
    },

    /** Seals, changes `then`, and seals again: what was sealed is gone meanwhile, the key stays, secrets are asked for anew. */
    async correct(browser, { base, fields, then, secrets }) {
        const { context, page, told } = await person(browser);
        await page.goto(`${base}/register`);
        const seal = async () => {
            await sealButton(page).click();
            await page.waitForFunction(() => document.querySelector('form#offer textarea[name="offer"]').value !== "");
            return JSON.parse(await offerText(page).inputValue()).signed;
        };
        await fill(page, fields);
        const first = await seal();
        await fill(page, then);
        const between = { offer: await offerText(page).inputValue(), words: await status(page).innerText() };
        await sealButton(page).click();
        const asked = await page.locator("#register [data-error]").evaluateAll((places) =>
            places.filter((one) => one.textContent !== "").map((one) => one.dataset.error),
        );
        await fill(page, secrets);
        const second = await seal();
        // Back in history is a page with nothing of the person in it.
        await page.goto(`${base}/`);
        await page.goBack();
        const back = { left: await secretsLeft(page), key: await keyLink(page).isVisible() };
        await context.close();
        return { first, between, asked, second, back, ...told };
    },

    /** The whole form without a pointer: Tab, letters, Space and Enter; `fields` are pairs, in the order of the page. */
    async keyboard(browser, { base, fields, folder }) {
        const { context, page, told } = await person(browser);
        await page.goto(`${base}/register`);
        const unseen = [];
        const stop = async (name, is) => {
            for (let stops = 0; stops < MOST_STOPS; stops += 1) {
                await page.keyboard.press("Tab");
                const found = await page.evaluate(is.test, is.with);
                if (!found) continue;
                if (!(await page.evaluate(showsFocus))) unseen.push(name);
                return;
            }
            throw new Error(`Tab never comes to ${name}`);
        };
        const at = (selector) => ({ test: (wanted) => document.activeElement?.matches(wanted) ?? false, with: selector });
        for (const [name, value] of fields) {
            await stop(name, at(`#register [data-field="${name}"]`));
            if (value === true) await page.keyboard.press("Space");
            else {
                if (name !== "kind") await page.keyboard.press("Control+A");
                await page.keyboard.type(value);
            }
        }
        await stop("seal", at('#register [data-action="seal"]'));
        await page.keyboard.press("Enter");
        await keyLink(page).waitFor({ state: "visible" });
        const isFocused = await page.evaluate(() => document.activeElement?.matches('a[data-action="key"]'));
        const key = await saved(page, folder, "keyboard", () => page.keyboard.press("Enter"));
        await stop("send", at('form#offer button, form#offer input[type="submit"]'));
        await page.keyboard.press("Enter");
        const ticket = await arrived(page);
        await context.close();
        return { unseen, isFocused, key, ticket, ...told };
    },

    /** Each of `pages` (`name`, `path`), wide and narrow, by day and by night; pictures when there is a folder for them. */
    async look(browser, { base, pages, pictures }) {
        const seen = [];
        for (const [shape, settings] of Object.entries(SHAPES)) {
            for (const colorScheme of ["light", "dark"]) {
                const { context, page, told } = await person(browser, { ...settings, colorScheme });
                for (const { name, path } of pages) {
                    await page.goto(`${base}${path}`);
                    await page.evaluate(axe.source);
                    const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
                    const findings = violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map((one) => one.html) }));
                    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
                    const taken = PICTURES[`${name}-${shape}-${colorScheme}`];
                    if (taken) await picture(page, pictures, taken, name === "register" ? "#fill" : undefined);
                    const words = await page.locator("body").innerText();
                    seen.push({ name, shape, colorScheme, findings, passed: passes.length, overflow, words });
                }
                seen.push({ name: "browser", shape, colorScheme, complaints: told.complaints });
                await context.close();
            }
        }
        return { seen };
    },

    /** The form with JavaScript off. */
    async plain(browser, { base }) {
        const { context, page, told } = await person(browser, { javaScriptEnabled: false });
        await page.goto(`${base}/register`);
        const visible = await page.locator("#register [data-field]:visible").count();
        const paste = await offerText(page).isVisible();
        const words = await page.locator("body").innerText();
        await context.close();
        return { visible, paste, words, ...told };
    },
};

/** A picture for the documentation, where there is a folder for them: what a window shows that begins at an element. */
async function picture(page, folder, name, from) {
    if (!folder) return;
    if (from) await page.locator(from).evaluate((element) => element.scrollIntoView());
    await page.screenshot({ path: join(folder, `web-${name}.png`), animations: "disabled" });
}

const focusedField = (page) => page.evaluate(() => document.activeElement?.dataset?.field ?? null);

/** Whether the element that has the focus looks as if it had. */
function showsFocus() {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement);
    return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
}

const { task, program, ...rest } = JSON.parse(await text(process.stdin));
const browser = await chromium.launch({
    executablePath: program,
    // The sandbox refuses to start as root, as which the tests' other servers need to run.
    chromiumSandbox: process.getuid() !== 0,
});
try {
    process.stdout.write(JSON.stringify(await TASKS[task](browser, rest)));
} finally {
    await browser.close();
}
