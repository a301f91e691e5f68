/** Whether code of an answer can belong into a document, by the languages that both say they are in. Pure. */

const COMMANDS = new Set(
  "sh bash zsh fish shell console shellsession shell-session terminal powershell ps1 pwsh cmd bat batch".split(
    " ",
  ),
);
const SCRIPTS = new Set(["shellscript", "fish", "powershell", "bat", "makefile", "dockerfile", "yaml"]);
const DIFFS = new Set(["diff", "patch"]);
const OUTPUTS = new Set(["output", "log", "traceback", "stacktrace"]);
const PROSE = new Set(["plaintext", "markdown", "mdx", "restructuredtext", "asciidoc"]);

/** Commands to type, differences and output stand in answers too: they are no part of a program. */
export function isApplicable(block: string, document: string): boolean {
  const language = block.toLowerCase();
  if (PROSE.has(document) || language === document) return true;
  if (COMMANDS.has(language)) return SCRIPTS.has(document);
  return !DIFFS.has(language) && !OUTPUTS.has(language);
}
