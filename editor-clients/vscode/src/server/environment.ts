/** The environment that the server starts in: the user's, without what belongs to a project of theirs. Pure. */

const PROJECTS_OWN = /^(PYTHON.*|VIRTUAL_ENV|CONDA_PREFIX|CONDA_DEFAULT_ENV|__PYVENV_LAUNCHER__)$/i;

/** Returns variables without those by which Python would import a project's modules in place of ours. */
export function environmentOf(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(variables).filter(([name]) => !PROJECTS_OWN.test(name));
  return Object.fromEntries(kept);
}
