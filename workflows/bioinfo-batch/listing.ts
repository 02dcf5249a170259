/** What samples.txt and the names of FASTQ files say. Pure: text and locations in, records out. */

/** FASTQ locations of one sample by read ('1', '2'), each in the order of flow cells and lanes. */
export type ReadPairs = Readonly<Record<'1' | '2', readonly string[]>>;

/**
 * Reads samples.txt: a line for each sample, its id and the directory of its reads, separated by blanks; `#` starts a
 * comment. A relative directory is one beside the file, whose own folder is `folder` (with its slash).
 */
export function parseSamples(text: string, folder: string): Record<string, string> {
  const samples: Record<string, string> = {};
  text.split('\n').forEach((line, index) => {
    const [id, directory, ...more] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (!id) return;
    const where = `line ${index + 1} of the samples file`;
    if (!directory || more.length > 0) throw new Error(`${where} is not a sample id and a directory: ${line}`);
    // An id stands in file names and in the text of scripts.
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(id))
      throw new Error(`${where}: a sample id is letters, digits, '.', '_' and '-', not ${id}`);
    if (id in samples) throw new Error(`${where}: sample ${id} is there twice`);
    samples[id] = /^(\/|[a-z0-9]+:\/\/)/.test(directory) ? directory : `${folder}${directory}`;
  });
  if (Object.keys(samples).length === 0) throw new Error('the samples file lists no samples');
  return samples;
}

/** The folder that a location is in, with its slash; '' for the current one. */
export function folderOf(location: string): string {
  return location.slice(0, location.lastIndexOf('/') + 1);
}

/**
 * Groups a sample's FASTQ files, `<sample>_<flow cell>_L<lane>_<read>.fastq.gz`, by read. Files of other names are none
 * of ours; every lane must have both reads.
 */
export function groupReads(sampleId: string, locations: readonly string[]): ReadPairs {
  const lanes = new Map<string, { flowCell: string; lane: number; reads: Map<string, string> }>();
  for (const location of locations) {
    const [, flowCell, lane, read] = /_([A-Za-z0-9]+)_L(\d+)_([12])\.fastq\.gz$/.exec(location) ?? [];
    if (!flowCell || !lane || !read) continue;
    const key = `${flowCell} lane ${Number(lane)}`;
    const found = lanes.get(key) ?? { flowCell, lane: Number(lane), reads: new Map<string, string>() };
    const twin = found.reads.get(read);
    if (twin) throw new Error(`sample ${sampleId}, ${key}: ${twin} and ${location} both hold read ${read}`);
    found.reads.set(read, location);
    lanes.set(key, found);
  }
  if (lanes.size === 0)
    throw new Error(`sample ${sampleId}: no files named <sample>_<flow cell>_L<lane>_<read>.fastq.gz`);
  const ordered = [...lanes].sort(
    ([, a], [, b]) => (a.flowCell < b.flowCell ? -1 : a.flowCell > b.flowCell ? 1 : 0) || a.lane - b.lane,
  );
  const side = (read: '1' | '2') =>
    ordered.map(([key, { reads }]) => {
      const location = reads.get(read);
      if (!location) throw new Error(`sample ${sampleId}, ${key}: there is no read ${read}`);
      return location;
    });
  return { '1': side('1'), '2': side('2') };
}
