"""Prompts and answers of the imagined company: few and short, so that each is stored once and compressed well."""

PROMPT_KEY, ANSWER_KEY = "controlsurface.demo.prompt", "controlsurface.demo.answer"  # kept whatever [content] says

_SUBJECTS = (
    "a parcel that came two days late",
    "an invoice that was charged twice",
    "a password that no longer works",
    "a refund promised last week",
    "an order with a wrong size",
    "a contract that ends in March",
    "a report of the second quarter",
    "a device that restarts at night",
    "an address that has changed",
    "a booking for four people",
    "a delivery to the wrong branch",
    "a discount that was not applied",
)
_PROMPTS = {
    "classification": "Which queue should take this message? It is about {}.",
    "extraction": "Take order number, date and amount from a letter about {}.",
    "rag_answer": "What does the handbook say about {}?",
    "summarise": "Summarise in three sentences the thread about {}.",
    "chat": "Hello, I have a question about {}.",
    "code": "Write a function with tests that finds every case of {}.",
    "sql": "How many customers had {} in each of the last six months?",
    "contract_review": "List what a lawyer should look at, in a clause about {}.",
}
_ANSWERS = {
    "classification": "Queue: {}",
    "extraction": "Fields found: {}",
    "rag_answer": "By section 4 of the handbook: {}",
    "summarise": "Summary, judged {}: the customer explained the case, support asked for a receipt, both agreed.",
    "chat": "Thank you for writing. This conversation ends as {}.",
    "code": "def find(rows): ...  # the suite says: {}",
    "sql": "SELECT month, count(*) FROM cases GROUP BY month  -- gives {}",
    "contract_review": "Review complete; result: {}",
}


def prompt_text(task: str, number: int) -> str:
    """What somebody asks for; the same for the same number.

    >>> prompt_text("chat", 12)
    'Hello, I have a question about a parcel that came two days late.'
    """
    return _PROMPTS[task].format(_SUBJECTS[number % len(_SUBJECTS)])


def answer_text(task: str, label: str) -> str:
    """A model's words for an answer with this label.

    >>> answer_text("classification", "not_in_sources")
    'Queue: not in sources'
    """
    return _ANSWERS[task].format(label.replace("_", " "))
