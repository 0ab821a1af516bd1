"""Which letters of phage lambda differ: reads are aligned, piled up and called, sample by sample.

Expects in the working directory `data/`: the reference (`lambda.fa.gz`), paired reads (`pairs_1.fq.gz`,
`pairs_2.fq.gz`) and long reads (`long.fq.gz`). Leaves in `results/` the variants, a table and a picture.
"""

import csv
import gzip
import os
from contextlib import ExitStack
from itertools import count, islice

from gangline.pipeline import Pipeline, add_inputs, formatter

READS_PER_CHUNK = 1_000
GENOME = "work/lambda.fa"
SAMPLE = r"/(?P<SAMPLE>[a-z]+)[._]"
CHUNK = r"/(?P<CHUNK>(?P<SAMPLE>{sample})\.\d+)\."

pipeline = Pipeline("lambda")
pipeline.mkdir("work/chunks", "results", name="folders")


# The reference: unpacked under a short name, and indexed for the aligner.
# A stage may be a function or, as here, a shell command.
genome = pipeline.transform(
    name="genome",
    task_func="gunzip --stdout {input} | sed 's/^>.*/>lambda/' > {output[0]}; samtools faidx {output[0]}",
    input="data/lambda.fa.gz",
    filter=formatter(),
    output=[GENOME, f"{GENOME}.fai"],
).follows("folders")

index = pipeline.transform(
    name="index",
    task_func="bowtie2-build --quiet {input[0]} work/lambda",
    input=genome,
    filter=formatter(),
    output=[f"work/lambda.{part}.bt2" for part in ("1", "2", "3", "4", "rev.1", "rev.2")],
)


# The reads: in chunks, so that one sample keeps all cores busy; how many chunks depends on what is in the files.
def split_reads(reads, chunks, prefix):
    for leftover in chunks:
        os.unlink(leftover)
    with ExitStack() as stack:
        files = [stack.enter_context(gzip.open(path, "rt")) for path in reads]
        for number in count():
            # The mates of a pair follow each other, as `bowtie2 --interleaved` expects them.
            records = ["".join(islice(file, 4)) for _ in range(READS_PER_CHUNK) for file in files]
            if not records[0]:
                break
            with open(f"{prefix}.{number:03}.fq", "w") as chunk:
                chunk.writelines(records)


chunks = pipeline.subdivide(
    name="split",
    task_func=split_reads,
    input=[["data/pairs_1.fq.gz", "data/pairs_2.fq.gz"], ["data/long.fq.gz"]],
    filter=formatter(SAMPLE),
    output="work/chunks/{SAMPLE[0]}.*.fq",
    extras=["work/chunks/{SAMPLE[0]}"],
).follows("folders")

ALIGN = "bowtie2 -x work/lambda --no-unal --rg-id {chunk} --rg SM:{sample} -S {output} "

aligned_pairs = pipeline.transform(
    name="align_pairs",
    task_func=ALIGN + "--maxins 1000 --interleaved {input[0]}",
    input=chunks,
    filter=formatter(CHUNK.format(sample="pairs")),
    add_inputs=add_inputs(index),
    output="work/chunks/{CHUNK[0]}.sam",
    extras={"sample": "{SAMPLE[0]}", "chunk": "{CHUNK[0]}"},
    resources={"cores": 1, "memory": "200 MB"},
    temporary=True,  # large, and of no use when sorted
)

aligned_long = pipeline.transform(
    name="align_long",
    task_func=ALIGN + "--local -U {input[0]}",
    input=chunks,
    filter=formatter(CHUNK.format(sample="long")),
    add_inputs=add_inputs(index),
    output="work/chunks/{CHUNK[0]}.sam",
    extras={"sample": "{SAMPLE[0]}", "chunk": "{CHUNK[0]}"},
    resources={"cores": 1, "memory": "200 MB"},
    temporary=True,
)

sorted_chunks = pipeline.transform(
    name="sort",
    task_func="samtools sort --no-PG -o {output} {input}",
    input=[aligned_pairs, aligned_long],
    filter=formatter(),
    output="work/chunks/{basename[0]}.bam",
).jobs_limit(2, "disk")

alignments = pipeline.collate(
    name="merge",
    task_func="samtools merge --no-PG -f -o {output[0]} {input}; samtools index {output[0]}",
    input=sorted_chunks,
    filter=formatter(SAMPLE),
    output=["results/{SAMPLE[0]}.bam", "results/{SAMPLE[0]}.bam.bai"],
).jobs_limit(2, "disk")


# The variants: lambda has one copy of each gene. What few or bad reads say does not count.
pileups = pipeline.transform(
    name="pileup",
    # Mates that overlap their partners in odd ways still say what they read.
    task_func="bcftools mpileup --no-version --count-orphans -f {genome} -Ob -o {output} {input[0][0]}",
    input=alignments,
    filter=formatter(SAMPLE),
    add_inputs=add_inputs(genome),
    output="work/{SAMPLE[0]}.pileup.bcf",
    extras={"genome": GENOME},
)

calls = pipeline.transform(
    name="call",
    task_func="bcftools call --no-version --ploidy 1 -mv -Ob -o {output} {input}",
    input=pileups,
    filter=formatter(SAMPLE),
    output="work/{SAMPLE[0]}.calls.bcf",
)

variants = pipeline.transform(
    name="filter",
    task_func="""bcftools filter --no-version -i 'QUAL>={quality} && DP>={depth}' -Oz -o {output[0]} {input};
                 bcftools index -f {output[0]}""",
    input=calls,
    filter=formatter(SAMPLE),
    output=["results/{SAMPLE[0]}.vcf.gz", "results/{SAMPLE[0]}.vcf.gz.csi"],
    extras={"quality": 30, "depth": 5},
)


# What one looks at: a table of both samples, and a picture.
listed = pipeline.transform(
    name="list",
    task_func=r"bcftools query -f '%POS\t%REF\t%ALT\t%QUAL\t%DP\n' {input[0]} > {output}",
    input=variants,
    filter=formatter(SAMPLE),
    output="work/{SAMPLE[0]}.variants.tsv",
)

depths = pipeline.transform(
    name="depth",
    task_func="samtools depth -a {input[0]} | cut -f 2,3 > {output}",
    input=alignments,
    filter=formatter(SAMPLE),
    output="work/{SAMPLE[0]}.depth.tsv",
)


def summarise(files, table):
    import summary

    samples = summary.read_samples(files)
    with open(table, "w", newline="") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n").writerows(summary.rows(samples))


def draw(files, picture):
    import summary

    summary.draw(summary.read_samples(files), picture)


pipeline.merge(name="table", task_func=summarise, input=[listed, depths], output="results/summary.tsv")
pipeline.merge(name="picture", task_func=draw, input=[listed, depths], output="results/variants.svg")

if __name__ == "__main__":
    pipeline.run(multiprocess=os.cpu_count(), verbose=3)
