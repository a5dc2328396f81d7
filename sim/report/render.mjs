// Renders the report's plots as SVG: node render.mjs SPECIFICATIONS.json FOLDER
// The specifications are the same ones that the HTML page shows.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vega from 'vega';
import { compile } from 'vega-lite';

const [specifications, folder] = process.argv.slice(2);
for (const { name, specification } of JSON.parse(readFileSync(specifications, 'utf8'))) {
  const view = new vega.View(vega.parse(compile(specification).spec), { renderer: 'none' });
  writeFileSync(join(folder, `${name}.svg`), await view.toSVG());
  view.finalize();
}
