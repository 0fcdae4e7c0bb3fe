// Runs operations of the Zapier app as Zapier does: `node zapier.js APP`, a list of calls on stdin.
"use strict";

const path = require("path");
const zapier = require("zapier-platform-core");

const app = require(path.resolve(process.argv[2]));
const tester = zapier.createAppTester(app);

const main = async () => {
  const said = [];
  for (const { method, ...bundle } of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
    try {
      said.push({ result: await tester(method.split(".").reduce((at, name) => at[name], app), bundle) });
    } catch (error) {
      said.push({ error: error.message });
    }
  }
  process.stdout.write(`\n${JSON.stringify(said)}\n`);
};

main();
