// What is wrong with a configuration, as data and as an error. Finding it out is config.ts.

/** One mistake in a configuration. */
export interface ConfigProblem {
  /** Path of the setting, for instance `listen[1].port`. */
  readonly path: string;
  /** What stands there. */
  readonly found: string;
  /** What would be right. */
  readonly want: string;
}

/** A configuration that cannot be used; `problems` lists every mistake in it. */
export class ConfigError extends Error {
  /** Stable; see docs/errors.md. */
  readonly code = "SMTPD_CONFIG";
  /** At least one, in the order of the settings. */
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(
      [`The configuration has ${count}:`, ...problems.map((problem) => `  ${problemLine(problem)}`)].join(
        "\n",
      ),
    );
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** A problem on one line. */
export function problemLine({ path, found, want }: ConfigProblem): string {
  return `${path}: found ${found}, want ${want}`;
}
