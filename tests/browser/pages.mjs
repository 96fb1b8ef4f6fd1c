// Open every page of the built book in Chromium, without a network, in light and dark mode
// and on a desktop and a phone, and say what a reader would trip over:
//
//   node tests/browser/pages.mjs _build/html
//
// errors on the console, requests that leave the folder or fail, content that is wider than
// the window, and serious or critical violations of the accessibility rules of axe-core.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const BROWSERS = ["/usr/bin/google-chrome", "/usr/bin/chromium", "/usr/bin/chromium-browser"];
const SCREENS = {
  desktop: { viewport: { width: 1280, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};
const GRAVE = new Set(["serious", "critical"]);
const SETTLED_MS = 150; // scripts of the theme that wait for the fonts

// Runs in the page: what reaches beyond the window and lies in no box that scrolls.
function tooWide() {
  const limit = document.documentElement.clientWidth + 1;
  const scrolls = (e) => /auto|scroll/.test(getComputedStyle(e).overflowX);
  const contained = (e) => e && e !== document.body && (scrolls(e) || contained(e.parentElement));
  return [...document.querySelectorAll("main img, main table, main pre, main math, main p")]
    .filter((e) => e.getBoundingClientRect().right > limit && !contained(e))
    .map((e) => `${e.localName} ends at ${Math.round(e.getBoundingClientRect().right)} px`);
}

async function examine(context, root, path) {
  const page = await context.newPage();
  const found = [];
  page.on("console", (m) => m.type() === "error" && found.push(`console: ${m.text()}`));
  page.on("pageerror", (e) => found.push(`script: ${e.message}`));
  page.on("requestfailed", (r) => found.push(`request failed: ${r.url()}`));
  page.on("request", (r) => {
    if (!/^(data|blob):/.test(r.url()) && !r.url().startsWith(root)) {
      found.push(`leaves the book: ${r.url()}`);
    }
  });
  await page.goto(root + path, { waitUntil: "load" });
  await page.waitForTimeout(SETTLED_MS);
  found.push(...(await page.evaluate(tooWide)));
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run({ preload: false })); // it preloads with requests that file:// forbids
  for (const { id, impact, nodes } of violations.filter((v) => GRAVE.has(v.impact))) {
    found.push(...nodes.map((n) => `${id} (${impact}): ${n.target} ${n.html.slice(0, 120)}`));
  }
  await page.close();
  return found;
}

function pages(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  const leadsOn = (path) => /http-equiv="refresh"/i.test(readFileSync(join(folder, path), "utf8"));
  return files
    .map((f) => relative(folder, join(f.parentPath, f.name)))
    .filter((path) => path.endsWith(".html") && !/^_|\/_/.test(path))
    .filter((path) => !leadsOn(path)) // to a page that is looked at itself
    .sort();
}

const folder = resolve(process.argv[2] ?? "_build/html");
const root = `${pathToFileURL(folder)}/`;
const executablePath = process.env.CHROMIUM ?? BROWSERS.find(existsSync);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
let visits = 0;
let failures = 0;
for (const colorScheme of ["light", "dark"]) {
  for (const [screen, options] of Object.entries(SCREENS)) {
    const context = await browser.newContext({ ...options, colorScheme, offline: true });
    for (const path of pages(folder)) {
      const found = await examine(context, root, path);
      visits += 1;
      failures += found.length;
      found.forEach((text) => console.log(`${path}, ${colorScheme}, ${screen}: ${text}`));
    }
    await context.close();
  }
}
await browser.close();
console.log(`${visits} visits, ${failures} failures`);
process.exit(failures ? 1 : 0);
