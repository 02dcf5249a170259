/** Simulated samples: reads of phages that differ a little from the reference, and the sites where they do. */
import { type File, file, script, task } from '../../core/index.ts';

/** Names in the `public/` folder, which stands in for public sources of references and known variants. */
export const GENOME = 'lambda_virus.fa.gz';
export const SITES = ['lambda_virus.snps.vcf.gz', 'lambda_virus.indels.vcf.gz'];

/** The seed of each sample's mutations and reads: the same bytes every time. */
export const SEEDS = { expt: 11, toy: 12 };

/**
 * Simulates 4,000 pairs of 2 × 100 bases, half of them on each of two lanes. wgsim writes the true position into the
 * read's name. Every tenth pair is given a fragment of 80 bases, so that there are adapters to cut.
 */
export const simulateReads = task(
  'bioinfo_batch.simulate_reads',
  {},
  (sampleId: string, seed: number, genome: File, outputPath: string) => {
    const fastqs = ['L1_1', 'L1_2', 'L2_1', 'L2_2'].map((part) => `${sampleId}_FC1_${part}.fastq.gz`);
    return script(
      `
      gunzip -c genome.fa.gz > genome.fa
      wgsim -S ${seed} -N 4000 -1 100 -2 100 -d 300 -s 30 -e 0.01 -r 0.001 genome.fa 1.fastq 2.fastq > mutations.txt
      lanes() {
        awk -v read="$1" -v adapter="$2" '
          { pair = int((NR - 1) / 4) }
          pair % 10 == 0 && NR % 4 == 2 { $0 = substr($0, 1, 80) substr(adapter, 1, 20) }
          { print > ("${sampleId}_FC1_L" (pair < 2000 ? 1 : 2) "_" read ".fastq") }
        ' "$1.fastq"
      }
      lanes 1 AGATCGGAAGAGCACACGTCTGAACTCCAGTCA
      lanes 2 AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT
      gzip -n ${sampleId}_FC1_L?_?.fastq
      `,
      {
        executor: 'batch',
        inputs: [genome.stage('genome.fa.gz')],
        outputs: {
          reads: fastqs.map((name) => file(`${outputPath}${name}`).stage(name)),
          mutations: file(`${outputPath}mutations.txt`).stage('mutations.txt'),
        },
      },
    );
  },
);

/** Turns wgsim's lists of mutations into VCFs of known variants, substitutions and indels, each with its index. */
export const makeKnownSites = task(
  'bioinfo_batch.make_known_sites',
  { includes: [SITES] },
  (mutations: readonly File[], genome: File, outputPath: string) => {
    const [snps, indels] = SITES;
    const lists = mutations.map((list, index) => list.stage(`mutations${index}.txt`));
    return script(
      String.raw`
      gunzip -c genome.fa.gz > genome.fa
      samtools faidx genome.fa
      # One base for another, in a heterozygote by its IUPAC code; "-" on the side that has no base: VCF wants the one before.
      awk -v OFS='\t' '
        BEGIN { split("R AG Y CT S CG W AT K GT M AC", code); for (i = 1; i < 12; i += 2) either[code[i]] = code[i + 1] }
        function site(position, reference, alternative) { print $1, position, ".", reference, alternative, ".", "PASS", "." }
        FNR == NR { if (!/^>/) genome = genome $1; next }
        $3 == "-" { base = substr(genome, $2, 1); site($2, base, base $4); next }
        $4 == "-" { base = substr(genome, $2 - 1, 1); site($2 - 1, base $3, base); next }
        { alternative = $4; if ($4 in either) { alternative = either[$4]; sub($3, "", alternative) } site($2, $3, alternative) }
      ' genome.fa mutations?.txt | LC_ALL=C sort -u -k1,1 -k2,2n -k4,4 -k5,5 > sites.tsv
      header() {
        echo '##fileformat=VCFv4.2'
        awk '{ printf "##contig=<ID=%s,length=%d>\n", $1, $2 }' genome.fa.fai
        printf '#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n'
      }
      { header; awk 'length($4) == length($5)' sites.tsv; } | bgzip > ${snps}
      { header; awk 'length($4) != length($5)' sites.tsv; } | bgzip > ${indels}
      tabix -p vcf ${snps}
      tabix -p vcf ${indels}
      `,
      {
        executor: 'batch',
        inputs: [genome.stage('genome.fa.gz'), lists],
        outputs: SITES.flatMap((name) => [name, `${name}.tbi`]).map((name) => file(`${outputPath}${name}`).stage(name)),
      },
    );
  },
);

/** Writes samples.txt: directories are relative to it, so that the whole folder can be copied elsewhere. */
export const listSamples = task(
  'bioinfo_batch.list_samples',
  { executor: 'batch' },
  (sampleIds: readonly string[], destination: string) =>
    file(destination).write(sampleIds.map((id) => `${id}\tfastq/${id}/\n`).join('')),
);
