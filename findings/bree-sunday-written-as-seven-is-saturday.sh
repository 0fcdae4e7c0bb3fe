#!/usr/bin/env bash
# bree 9.2.9 (@breejs/later 4.2.0, cron-validate 1.5.3), Node 20; run on 2026-12-01.
#
# A job of Bree runs on Sundays, when nobody works: cron: "0 9 * * 7", as 7 is Sunday for cron, beside 0. Another one runs
# at the weekend, "0 9 * * 6,7". Bree has the expression validated, and cron-validate says that it is valid.
# Expected: Sunday; Saturday and Sunday.
# What happens: the expression is handed on to later, which counts the days of a week from 1 and adds one to the number that
# cron has: 8, of which there is none, is cut to 7, and that is Saturday. The job runs on Saturdays, and at the weekend
# there is no Sunday. 0 is right. It is issue 152 of bunkat/later since 2016, and the fork that Bree depends on has it
# still.
# Who is hurt: expressions that come from a crontab or from another program. Everything else in them is right, and a run on
# the day before looks like the right one unless somebody looks at the name of the day.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "bree@9.2.9" "@breejs/later@4.2.0" "cron-validate@1.5.3"
mkdir "$folder/jobs"
echo 'process.exit(0);' >"$folder/jobs/pay.js"
cat >"$folder/days.cjs" <<'JS'
const Bree = require("bree");
const later = require("@breejs/later");

const start = new Date("2026-11-30T12:00:00Z");
(async () => {
  const seen = [];
  for (const cron of ["0 9 * * 0", "0 9 * * 7", "0 9 * * 6,7"]) {
    const bree = new Bree({ root: `${__dirname}/jobs`, logger: false, timezone: "UTC", jobs: [{ name: "pay", cron }] });
    await bree.init();
    const dates = later.schedule(bree.config.jobs[0].interval).next(2, start);
    const days = dates.map((date) => date.toLocaleDateString("en", { weekday: "short", timeZone: "UTC" })).join(" ");
    console.log(`${cron}: ${dates.map((date) => date.toISOString().slice(0, 16)).join(", ")}, ${days}`);
    seen.push(days);
  }
  process.exit(JSON.stringify(seen) === JSON.stringify(["Sun Sun", "Sat Sat", "Sat Sat"]) ? 0 : 1);
})();
JS
cd "$folder"
TZ=UTC node "$folder/days.cjs"
