// Prints what npm's dotenv reads in each file that is named: JSON, a list by file of {reader: {name: value}}.
const fs = require("fs");
const modules = process.argv[2];
const now = require(`${modules}/dotenv`);
const before = require(`${modules}/dotenv-16`);
const { expand } = require(`${modules}/dotenv-expand`);
const read = (path) => {
  const text = fs.readFileSync(path, { encoding: "utf8" });
  const expanded = process.env.EXPAND ? { "dotenv-expand": expand({ parsed: now.parse(text), processEnv: {} }).parsed } : {};
  return { dotenv: now.parse(text), "dotenv, fast": now.parse(text, { fast: true }), "dotenv 16": before.parse(text), ...expanded };
};
process.stdout.write(JSON.stringify(process.argv.slice(3).map(read)));
