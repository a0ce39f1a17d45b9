"""Text models on Spark: Spark NLP's annotators before Spark ML's learners or a small network."""
