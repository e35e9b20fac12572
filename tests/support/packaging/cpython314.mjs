// CPython 3.14, built for WebAssembly by the pyodide project, for computers where none is installed.
// node cpython314.mjs PYODIDE FOLDERS [-I] [-P] [-s] [-W error] (-c CODE | -m MODULE) ARGUMENT…
// It sees the folders (separated by colons) and those that are arguments, and imports from the former.
import { existsSync } from "node:fs";

const [pyodide, folders, ...asked] = process.argv.slice(2);
const { loadPyodide } = await import(pyodide);
const begin = asked.findIndex((each) => each === "-c" || each === "-m");
const [how, what, ...given] = asked.slice(begin);
const seen = folders.split(":").filter(Boolean);

const { PYTHONHASHSEED = "0", ...variables } = process.env;
const python = await loadPyodide({ env: { ...variables, PYTHONHASHSEED, HOME: "/home", PATH: "/bin" } });
for (const folder of new Set([...seen, ...given.filter((each) => each.startsWith("/") && existsSync(each))])) {
  python.mountNodeFS(folder, folder);
}
for (const [set, stream] of [[python.setStdout, process.stdout], [python.setStderr, process.stderr]]) {
  set.call(python, { write: (bytes) => (stream.write(bytes.slice()), bytes.length) });
}
python.globals.set("asked", python.toPy({ flags: asked.slice(0, begin), how, what, given, seen }));
process.exitCode = await python.runPythonAsync(`
import importlib, runpy, sys, traceback, warnings

if "error" in asked["flags"]:
    warnings.simplefilter("error")
sys.path[:0] = asked["seen"]
sys.path_importer_cache.clear()
importlib.invalidate_caches()
sys.argv = [asked["what"], *asked["given"]]
status = 0
try:
    if asked["how"] == "-m":
        runpy.run_module(asked["what"], run_name="__main__", alter_sys=True)
    else:
        exec(compile(asked["what"], "<string>", "exec"), {"__name__": "__main__"})
except SystemExit as left:
    status = int(left.code) if isinstance(left.code, int) else int(left.code is not None)
except BaseException:
    traceback.print_exc()
    status = 1
sys.stdout.flush()
sys.stderr.flush()
status
`);
