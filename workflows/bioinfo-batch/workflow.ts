/**
 * Aligns paired reads of many samples to a reference genome: lanes merged, adapters cut, aligned, sorted, duplicates
 * marked, base qualities recalibrated, metrics collected. Every task returns an expression at once; what runs where, and
 * in which order, follows from the data.
 */
import { context, copyFile, type Dir, dir, type File, file, task, v } from '../../core/index.ts';
import { baseRecalib, markDups, runBwa } from './alignment.ts';
import { folderOf, groupReads, parseSamples, type ReadPairs } from './listing.ts';
import { collectAlignMetrics, collectDepthMetrics } from './metrics.ts';
import { cutAdapters, mergeFastq } from './reads.ts';
import { downloadGenomeRef, downloadSitesFiles, type GenomeIndex, indexGenomeRef } from './reference.ts';
import { GENOME, listSamples, makeKnownSites, SEEDS, SITES, simulateReads } from './simulation.ts';
import { commands, type Tools } from './tools.ts';

/** Makes the input of `bioinfo_batch.main`. */
export const prepareSamples = task(
  'bioinfo_batch.prepare_samples',
  {
    description: 'Makes example samples, and the reference and known sites that go with them',
    params: v.object({
      outputPath: v.pipe(v.string(), v.description('directory that samples.txt, fastq/ and public/ are written to')),
      genomeRef: v.optional(
        v.pipe(v.file(), v.description('genome to simulate, FASTA, gzipped')),
        'workflows/bioinfo-batch/data/lambda_virus.fa.gz',
      ),
    }),
    includes: [GENOME, SITES, SEEDS],
  },
  ({ outputPath, genomeRef }) => {
    const output = dir(outputPath).location;
    const genome = copyFile(genomeRef, file(`${output}public/${GENOME}`));
    const simulated = Object.entries(SEEDS).map(([id, seed]) =>
      simulateReads(id, seed, genome, `${output}fastq/${id}/`),
    );
    const mutations = simulated.map((sample) => sample.mutations);
    return {
      genome,
      sites: makeKnownSites(mutations, genome, `${output}public/`),
      reads: simulated.map((sample) => sample.reads),
      samples_file: listSamples(Object.keys(SEEDS), `${output}samples.txt`),
    };
  },
);

/** Aligns every sample. */
export const main = task(
  'bioinfo_batch.main',
  {
    description: 'Aligns every sample of a samples file and collects metrics',
    params: v.object({
      samplesFile: v.pipe(v.file(), v.description('a sample id and the directory of its reads on each line')),
      outputPath: v.pipe(v.string(), v.description('directory of everything this makes')),
      platform: v.optional(v.pipe(v.string(), v.description('sequencing platform')), 'illumina'),
      genomeRef: v.optional(
        v.pipe(v.file(), v.description('FASTA, may be gzipped; default: public/ beside the samples file')),
      ),
      sites: v.optional(
        v.pipe(v.array(v.file()), v.description('known variants, VCF with .tbi; default as genomeRef')),
      ),
    }),
    includes: [folderOf, parseSamples],
  },
  async ({ samplesFile, outputPath, platform, genomeRef, sites }) => {
    const folder = folderOf(samplesFile.location);
    const output = dir(outputPath).location;
    const tools = context<Tools>('tools', 'container');

    const genomeSource = genomeRef ?? file(`${folder}public/${GENOME}`);
    const genome = downloadGenomeRef(genomeSource, `${output}reference/${genomeSource.name.replace(/\.gz$/, '')}`);
    const index = indexGenomeRef(genome, tools);
    const sitesFiles = downloadSitesFiles(
      sites ?? SITES.map((name) => file(`${folder}public/${name}`)),
      `${output}reference/`,
    );

    // Directories, not their paths, are what the listing depends on: a new or changed file in one runs it again.
    const readDirs = Object.entries(parseSamples(await samplesFile.text(), folder)).map(([id, path]) => [
      id,
      dir(path),
    ]);
    const readPairs = getSampleReadPairs(Object.fromEntries(readDirs));
    return alignSamples(readPairs, genome, index, sitesFiles, output, platform, tools);
  },
);

/** Lists each sample's FASTQ files: sample → read → lanes. Paths, so that a changed file concerns only who reads it. */
export const getSampleReadPairs = task(
  'bioinfo_batch.get_sample_read_pairs',
  { includes: [groupReads] },
  async (readDirs: Readonly<Record<string, Dir>>): Promise<Record<string, ReadPairs>> => {
    const pairs = Object.entries(readDirs).map(async ([sampleId, reads]) => {
      const files = await reads.list();
      return [
        sampleId,
        groupReads(
          sampleId,
          files.map(({ location }) => location),
        ),
      ] as const;
    });
    return Object.fromEntries(await Promise.all(pairs));
  },
);

/** As many samples as the listing found. */
export const alignSamples = task(
  'bioinfo_batch.align_samples',
  {},
  (
    readPairs: Readonly<Record<string, ReadPairs>>,
    genome: File,
    index: GenomeIndex,
    sites: readonly File[],
    outputPath: string,
    platform: string,
    tools: Tools,
  ) => {
    const samples = Object.entries(readPairs).map(
      ([sampleId, pairs]) =>
        [
          sampleId,
          alignSample(sampleId, pairs, genome, index, sites, `${outputPath}${sampleId}/`, platform, tools),
        ] as const,
    );
    return Object.fromEntries(samples);
  },
);

/** One sample's reads, from its lanes to its metrics. */
export const alignSample = task(
  'bioinfo_batch.align_sample',
  { includes: [commands] },
  (
    sampleId: string,
    readPairs: ReadPairs,
    genome: File,
    index: GenomeIndex,
    sites: readonly File[],
    outputPath: string,
    platform: string,
    tools: Tools,
  ) => {
    const prefix = `${outputPath}${sampleId}`;
    const merged = mergeFastq(
      readPairs['1'].map((path) => file(path)),
      readPairs['2'].map((path) => file(path)),
      prefix,
    );
    const reads = cutAdapters(merged.reads1, merged.reads2, `${prefix}.cutadapt`);

    const extensions = commands(tools).bwaIndex;
    const bwaIndex = Object.fromEntries(Object.entries(index).filter(([ext]) => extensions.includes(ext)));
    const bam = `${prefix}.aln.sorted.settag.bam`;
    const aligned = runBwa(sampleId, reads.reads1, reads.reads2, bam, genome, bwaIndex, platform, tools);

    const marked = markDups(aligned.bam, `${prefix}.mark_dup`, tools);
    const { fai, dict } = index;
    const recalibrated = baseRecalib(marked.bam, `${prefix}.recalib`, genome, fai, dict, sites, tools);

    return {
      bam: recalibrated.bam,
      bai: recalibrated.bai,
      dup_metrics: marked.dup_metrics,
      align_metrics: collectAlignMetrics(recalibrated.bam, prefix, genome, tools),
      depth_metrics: collectDepthMetrics(recalibrated.bam, prefix),
    };
  },
);
