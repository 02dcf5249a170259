/** The reference genome and the known variants, brought to our own storage and indexed. */
import { constant, copyFile, type File, file, script, task } from '../../core/index.ts';
import { commands, type Tools } from './tools.ts';

/** Files beside the reference, by extension: these two, and those that bwa makes for itself. */
export type GenomeIndex = { readonly fai: File; readonly dict: File };

/** Copies the reference to our own storage, unzipped. */
export const downloadGenomeRef = task(
  'bioinfo_batch.download_genome_ref',
  { executor: 'batch' },
  (source: File, destination: string) => source.copyTo(file(destination), { gunzip: source.name.endsWith('.gz') }),
);

/** Copies known variants and their indexes; gives the former once the latter are there too. */
export const downloadSitesFiles = task(
  'bioinfo_batch.download_sites_files',
  {},
  (sources: readonly File[], destination: string) => {
    const sites = sources.map((source) => copyFile(source, file(`${destination}${source.name}`)));
    const indexes = sources.map((source) =>
      copyFile(file(`${source.location}.tbi`), file(`${destination}${source.name}.tbi`)),
    );
    return constant(sites, indexes);
  },
);

/** Indexes for bwa (its own extensions), random access (fai) and Picard (dict), beside the reference. */
export const indexGenomeRef = task(
  'bioinfo_batch.index_genome_ref',
  { includes: [commands] },
  (genome: File, tools: Tools) => {
    const { bwa, bwaIndex, picard } = commands(tools);
    const name = genome.name;
    const beside = (ext: string) => file(`${genome.location}.${ext}`).stage(`${name}.${ext}`);
    return script(
      `
      ${bwa} index ${name}
      samtools faidx ${name}
      ${picard(6)} CreateSequenceDictionary \\
          --REFERENCE ${name} \\
          --OUTPUT reference.dict \\
          --URI ${name}
      `,
      {
        executor: 'batch',
        memory: 8,
        inputs: [genome.stage()],
        outputs: {
          ...Object.fromEntries(bwaIndex.map((ext) => [ext, beside(ext)] as const)),
          fai: beside('fai'),
          dict: file(genome.location.replace(/\.[^./]+$/, '.dict')).stage('reference.dict'),
        },
      },
    );
  },
);
