import { BaseSequencer, type TestSpecification } from 'vitest/node'

const longest = 'tests/src/chaos.test.ts'

/** Vitest's order of test files, with the one that takes minutes at their head: begun last, others would wait for it. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => (moduleId.endsWith(longest) ? 0 : 1)
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}
