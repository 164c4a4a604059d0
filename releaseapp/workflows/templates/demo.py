"""The workflows of the demo. Each is right as it stands and needs no network."""

DEMO: dict[str, list[str]] = {
    "aurora": [
        """\
name: Daily Research Digest
description: Takes a list of notes, keeps what matters, and makes a digest of it.
inputs:
  type: object
  properties:
    notes:
      type: array
      items: {type: string}
      default: [The build is green again, Two customers asked for exports, "  "]
steps:
  - id: keep
    name: Keep what is not blank
    type: transform
    config:
      value: "{{ inputs.notes | map('trim') | select | list }}"
  - id: empty
    name: Nothing to tell
    type: fail
    when: "{{ steps.keep.output | length == 0 }}"
    config:
      message: There are no notes.
  - id: digest
    name: Make the digest
    type: transform
    config:
      value: "{{ steps.keep.output | length }} notes: {{ steps.keep.output | join('; ') }}"
output: "{{ steps.digest.output }}"
""",
        """\
name: Insight Synthesizer
description: Asks the data collector for a sum, and says what it means.
inputs:
  type: object
  required: [numbers]
  properties:
    numbers:
      type: array
      items: {type: number}
      default: [42, 17, 61]
steps:
  - id: collect
    type: agent.task
    config:
      agent: Data Collector
      title: Sum of {{ inputs.numbers | length }} samples
      input:
        numbers: "{{ inputs.numbers }}"
    retry: {max_attempts: 2}
  - id: large
    type: condition
    config:
      test: "{{ steps.collect.output.sum > 100 }}"
  - id: insight
    type: transform
    config:
      value: "{{ 'A strong signal' if steps.large.output else 'Nothing unusual' }}: {{ steps.collect.output.sum }}"
output: "{{ steps.insight.output }}"
""",
    ],
    "cobalt": [
        """\
name: Ticket Summaries
description: Has every ticket looked at, and lists the urgent ones.
inputs:
  type: object
  required: [tickets]
  properties:
    tickets:
      type: array
      items: {type: string}
      default: [Production is down, How do I change my password?]
steps:
  - id: look
    type: agent.task
    for_each: "{{ inputs.tickets }}"
    config:
      agent: Support Sentinel
      title: Look at a ticket
      input:
        ticket: "{{ item }}"
  - id: urgent
    type: transform
    config:
      value: "{{ steps.look.output | selectattr('priority', 'eq', 'high') | list | length }}"
output:
  urgent: "{{ steps.urgent.output }}"
  of: "{{ inputs.tickets | length }}"
""",
    ],
    "lumen": [
        """\
name: Narrative Pitch
description: Weaves words into a line, and has somebody approve it.
inputs:
  type: object
  properties:
    words:
      type: array
      items: {type: string}
      default: [a lighthouse, a letter]
steps:
  - id: weave
    type: agent.task
    config:
      agent: Story Weaver
      title: Weave an opening line
      input:
        words: "{{ inputs.words }}"
  - id: approve
    type: approval
    config:
      title: Is this our pitch?
      description: "{{ steps.weave.output }}"
      deadline_seconds: 86400
  - id: pitch
    type: transform
    config:
      value: "{{ steps.weave.output }}"
output: "{{ steps.pitch.output }}"
""",
    ],
}
