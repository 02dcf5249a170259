/** The configuration file, redex.config.ts. */
import { encode } from '../values/encode.ts';
import { isRecord } from '../values/guards.ts';
import { didYouMean } from '../values/nearest.ts';
import { CONFIG, optionProblem } from '../values/options.ts';
import { type ExecutorConfig, INLINE_EXECUTOR, type Program, type WebSettings } from '../values/program.ts';
import { hashOf } from '../values/table.ts';

/** What a profile may change, and what the configuration itself holds. */
export interface Settings {
  /** Where jobs run, by the name tasks give as `executor`. `inline` and `batch` are there without being named. */
  readonly executors?: Readonly<Record<string, ExecutorConfig>>;
  /** How much of each named limit may be taken at once in a run. */
  readonly limits?: Readonly<Record<string, number>>;
  /** What `context(path)` reads: any JSON. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly web?: WebSettings;
}

export interface Config extends Settings {
  /** Variants, chosen by `--profile`: executors are merged by name and field, limits and web by name, the context at every depth. */
  readonly profiles?: Readonly<Record<string, ProfileSettings>>;
}

export interface ProfileSettings extends Omit<Settings, 'executors'> {
  readonly executors?: Readonly<Record<string, Partial<ExecutorConfig>>>;
}

/** Checks the types of a configuration; `export default defineConfig({ … })`. */
export function defineConfig(config: Config): Config {
  return config;
}

type ResolvedConfig = Pick<Program, 'executors' | 'limits' | 'context' | 'web'>;

/**
 * The configuration with a profile applied. Throws for an unknown profile, for a setting that is wrong, also in a profile
 * that was not chosen, and for what could not be kept as JSON.
 */
export function resolveConfig(config: Config, profile: string | undefined): ResolvedConfig {
  const problem = optionProblem(config, CONFIG);
  if (problem !== undefined) throw new TypeError(`redex.config.ts: ${problem}`);
  const chosen = profile === undefined ? {} : profileOf(config, profile);
  const executors: Record<string, ExecutorConfig> = {
    [INLINE_EXECUTOR]: { type: 'inline' },
    batch: { type: 'batch' },
    ...config.executors,
  };
  for (const [name, changes] of Object.entries(chosen.executors ?? {})) {
    executors[name] = { type: 'batch', ...executors[name], ...changes };
  }
  for (const [name, { type }] of Object.entries(executors)) {
    // Types ask for it; a configuration that nobody type-checked may lack it.
    if (type === undefined) throw new TypeError(`redex.config.ts: executors.${name} needs a type: 'batch' or 'inline'`);
  }
  const context = mergedRecords(config.context ?? {}, chosen.context ?? {});
  if (hashOf(encode(context)) !== hashOf(encode(JSON.parse(JSON.stringify(context))))) {
    throw new TypeError('the context in redex.config.ts must be plain JSON');
  }
  const web = { ...config.web, ...chosen.web };
  return {
    executors,
    limits: { ...config.limits, ...chosen.limits },
    context,
    ...(Object.keys(web).length > 0 && { web }),
  };
}

function profileOf(config: Config, profile: string): ProfileSettings {
  const profiles = config.profiles ?? {};
  const settings = Object.hasOwn(profiles, profile) ? profiles[profile] : undefined;
  if (!settings) {
    const known = Object.keys(profiles).join(', ') || 'none';
    const advice = didYouMean(profile, Object.keys(profiles));
    throw new TypeError(`redex.config.ts has no profile ${JSON.stringify(profile)}; it has: ${known}${advice}`);
  }
  return settings;
}

function merged(base: unknown, changes: unknown): unknown {
  return isRecord(base) && isRecord(changes) ? mergedRecords(base, changes) : changes;
}

function mergedRecords(base: Readonly<Record<string, unknown>>, changes: Readonly<Record<string, unknown>>) {
  const result = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(changes)) result.set(key, merged(base[key], value));
  return Object.fromEntries(result);
}
