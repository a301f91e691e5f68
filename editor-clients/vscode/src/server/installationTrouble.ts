/** Why an installation has failed, and what to do: read from what Python, pip, uv or the disk have said. Pure. */
import { Failure } from "./failure";

const AGAIN = "Then install the server again.";
const MAX_LENGTH = 300;

type Trouble = { readonly sign: RegExp; readonly message: string; readonly hint: string };

/** The first that fits counts: a full disk may look like a lost connection later on. */
const TROUBLES: readonly Trouble[] = [
  {
    sign: /\b(ENOSPC|EDQUOT)\b|no space left on device|disk quota exceeded|not enough space on the disk/i,
    message: "the disk is full",
    hint: `It needs about 100 MB. ${AGAIN}`,
  },
  {
    sign: /ensurepip is not available|no module named '?(ensurepip|venv)/i,
    message: "this Python lacks what makes an environment with it (venv)",
    hint: `On Debian and Ubuntu: \`sudo apt install python3-venv\`. ${AGAIN}`,
  },
  {
    sign: /\b(EACCES|EROFS|EPERM)\b|permission denied|read-only file system/i,
    message: "the extension's folder can't be written",
    hint: "The log says which file it is.",
  },
  {
    sign: /certificate[ _]verify[ _]failed|SSLError|invalid peer certificate/i,
    message: "the package index has a certificate that is not trusted here",
    hint: `Behind a proxy with a certificate of its own, name it in pip's settings (\`pip config set global.cert\`). ${AGAIN}`,
  },
  {
    sign: /name resolution|NewConnectionError|ConnectTimeout|ReadTimeout|failed to establish|connection (refused|reset|aborted)|network is unreachable|getaddrinfo|ProxyError|cannot connect to proxy|error sending request|dns error|failed to fetch|max retries exceeded/i,
    message: "the package index could not be reached",
    hint: `Look at the network and the proxy. ${AGAIN}`,
  },
];

/** Returns a Failure for what an installation was ended by. */
export function troubleOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const said = error instanceof Error ? error.message : String(error);
  const known = TROUBLES.find((one) => one.sign.test(said));
  if (known) return new Failure("noServer", `the server was not installed: ${known.message}`, known.hint);
  return new Failure(
    "noServer",
    `the server was not installed: ${lastWords(said)}`,
    "The log has all of it.",
  );
}

/** Returns the last line that says what was wrong; else the last. */
function lastWords(said: string): string {
  const lines = said
    .split("\n")
    .map((one) => one.trim())
    .filter((one) => one !== "");
  const telling =
    lines.findLast((one) => /^(error|fatal|\w*Error)\b/i.test(one)) ?? lines.at(-1) ?? "nobody says why";
  return telling.length > MAX_LENGTH ? `${telling.slice(0, MAX_LENGTH)}…` : telling;
}
