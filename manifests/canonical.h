/* The words that training data and inference must share to the letter. Constants only: nothing to link. */
#ifndef IAD_MANIFESTS_CANONICAL_H
#define IAD_MANIFESTS_CANONICAL_H

/* The canonical question of detection and localisation (paper, stage 3, Q1): stands after all pictures, the query being the last one.
 * Answering "Yes" means normal. It names every anomaly word and normal word once, so that both attention maps exist. */
#define IAD_CANONICAL_QUESTION                                                                            \
    "Look for any defect or abnormal region in the last image. Is the last image normal, consistent with" \
    " the images before it? Answer Yes or No."
/* The same without exemplars. */
#define IAD_CANONICAL_QUESTION_ALONE "Look for any defect or abnormal region in the image. Is the image normal? Answer Yes or No."

#endif
