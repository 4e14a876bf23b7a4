// Makes one file of the form's script: `node build.mjs OUT`. Licences of what is in it are at its beginning.

import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { build } from "esbuild";

const out = process.argv[2];
const built = await build({
    entryPoints: ["register.js"],
    bundle: true,
    minify: true,
    format: "iife",
    platform: "browser",
    target: ["chrome111", "firefox113", "safari16.4"],
    charset: "ascii",
    // All notices are in the head, with their whole texts.
    legalComments: "none",
    metafile: true,
    write: false,
    outfile: "register.js",
});

const folders = new Set();
for (const [path, { bytesInOutput }] of Object.entries(built.metafile.outputs["register.js"].inputs)) {
    const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
    if (folder && bytesInOutput > 0) folders.add(folder);
}
const notices = new Map();
for (const folder of [...folders].sort()) {
    const about = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name));
    if (!file) throw new Error(`${folder} has no licence, and may not be passed on`);
    const text = (await readFile(join(folder, file), "utf8")).trim();
    notices.set(text, [...(notices.get(text) ?? []), `${about.name} ${about.version} (${about.license})`]);
}
const head = [...notices].map(([text, names]) => `${names.join(", ")}\n\n${text}`).join("\n\n----\n\n");
if (head.includes("*/")) throw new Error("a licence ends the comment that it stands in");

await writeFile(out, `/*!\n${head}\n*/\n${built.outputFiles[0].text}`);
